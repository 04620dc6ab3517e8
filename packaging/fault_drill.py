"""Bring hard faults about while the real window is worked in, and see that no label is lost and each fault is said.

Run from the project's root: python packaging/fault_drill.py [--only NAME ...] [--list] [--json FILE]

Every fault is brought about for real, in a process of its own with the real window offscreen: processes are killed and
halted, files deleted, disks filled, drives unmounted. Only the loss of a GPU is acted (lost_gpu.py), and the clock is
set where the program reads it. A disk that is full and a drive that is pulled are small file systems of their own
where this machine can mount one (Linux), else a limit on the size of files and a folder that goes. Prints what was
said, as JSON; the exit status is 0 where every promise was kept.
"""

import argparse
import ctypes
import importlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
LONGEST_S = 400.0
ROOMS = ("fault_acts", "fault_acts_clip", "fault_acts_machine", "fault_acts_closing")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a fault went: what the window said of it, or which promise was broken."""

    name: str
    kept: bool
    said: str
    broken: str
    seconds: float


def rooms() -> list[ModuleType]:
    """Return the modules with the faults."""
    return [importlib.import_module(room) for room in ROOMS]


def names() -> list[str]:
    """Return the faults that this machine can bring about."""
    return [name for room in rooms() for name in room.ACTS]


def drill(name: str, nap_s: float = 20.0, *, mounted: bool = True) -> Outcome:
    """Bring one fault about, in a process of its own.

    Parameters
    ----------
    nap_s
        How long the process is halted where sleep is drilled.
    mounted
        False to use no small disk, as on a machine that cannot mount one.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lsgui-drill-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        (work / "home").mkdir()
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "LSGUI_HOME": str(work / "home"),
            "TMPDIR": folder,
            "LSGUI_DRILL_NAP_S": str(nap_s),
            "LSGUI_DRILL_DISK": "" if mounted else "limited",
        }
        command = [sys.executable, str(HERE / "fault_drill.py"), "--inside", name, str(work)]
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            return Outcome(name, False, "", f"no end within {LONGEST_S:.0f} s", time.monotonic() - began)
    seconds = round(time.monotonic() - began, 1)
    if done.returncode == 0:
        return Outcome(name, True, done.stdout.strip(), "", seconds)
    broken = " ".join(done.stderr.split())[-1500:] or f"exit status {done.returncode}"
    return Outcome(name, False, done.stdout.strip(), broken, seconds)


def inside(name: str, work: Path) -> int:
    """Bring a fault about in this process; say on standard output what the window said."""
    from fault_acts import AS_ANY_USER
    from fault_acts_machine import ON_A_SMALL_DISK, WITH_SCREENS, screens_for
    from fault_scene import DrillError, quiet_log

    if name in AS_ANY_USER:
        as_any_user()
    if name in ON_A_SMALL_DISK:
        on_a_small_disk(work / "disk", ON_A_SMALL_DISK[name])
    if name in WITH_SCREENS:
        os.environ["QT_QPA_PLATFORM"] = screens_for(name, work)
    quiet_log()
    acts = {key: act for room in rooms() for key, act in {**room.ACTS, **getattr(room, "PARTS", {})}.items()}
    (work / "scene").mkdir(exist_ok=True)
    try:
        said = acts[name](work / "scene")
    except DrillError as fault:
        sys.stderr.write(f"{fault}\n")
        sys.stderr.flush()
        os._exit(1)  # its window stays open: Qt would abort over the threads that live
    sys.stdout.write(f"{said}\n")
    return 0


def as_any_user() -> None:
    """Begin anew without the right of Linux' root to pass by the marks of files, where this is root."""
    if sys.platform != "linux" or os.geteuid() != 0 or "LSGUI_DRILL_AS_ANY_USER" in os.environ:
        return
    drop_from_bounds, passes_marks = 24, (1, 2)
    for right in passes_marks:
        if ctypes.CDLL(None).prctl(drop_from_bounds, right, 0, 0, 0) != 0:
            raise SystemExit("the rights of root cannot be given up")
    os.environ["LSGUI_DRILL_AS_ANY_USER"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.argv])


def on_a_small_disk(disk: Path, size: str) -> None:
    """Begin anew with a small disk mounted there that only this process sees, where the machine can mount one."""
    if os.environ.get("LSGUI_DRILL_DISK") or sys.platform != "linux":
        return
    disk.mkdir(exist_ok=True)
    mount = f"mount -t tmpfs -o size={size} tmpfs {shlex.quote(str(disk))}"
    can = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode == 0
    os.environ["LSGUI_DRILL_DISK"] = "mounted" if can else "limited"
    if can:
        again = shlex.join([sys.executable, *sys.argv])
        os.execvp("unshare", ["unshare", "-rm", "sh", "-c", f"{mount} && exec {again}"])


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these faults alone")
    parser.add_argument("--list", action="store_true", help="say which faults there are")
    parser.add_argument("--no-mount", action="store_true", help="use no small disk, as where none can be mounted")
    parser.add_argument("--json", type=Path, help="write the outcomes to this file, too")
    parser.add_argument("--inside", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return inside(given.inside[0], Path(given.inside[1]))
    if given.list:
        sys.stdout.write("\n".join(names()) + "\n")
        return 0
    outcomes = []
    for name in given.only or names():
        outcomes.append(drill(name, mounted=not given.no_mount))
        sys.stderr.write(f"{'kept' if outcomes[-1].kept else 'BROKEN'} {name} {outcomes[-1].broken}\n")
    text = json.dumps([asdict(outcome) for outcome in outcomes], indent=1, ensure_ascii=False) + "\n"
    sys.stdout.write(text)
    if given.json is not None:
        given.json.write_text(text, encoding="utf-8")
    return 0 if all(outcome.kept for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
