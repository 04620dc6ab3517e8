"""From a fresh clone to the running program in one command, with nothing but Python.

    python3 packaging/bootstrap.py run                            the review window on a demo clip
    python3 packaging/bootstrap.py run -- info clip.mp4 --json    any lsgui command
    python3 packaging/bootstrap.py test [-- -k name]              the tests, without a screen
    python3 packaging/bootstrap.py dev                            set up for contributors, start nothing

The first start makes `.venv` in the checkout and installs everything there at the versions of
`packaging/constraints.txt`; later starts go straight to the program. An interrupted start goes on where it stopped.
What this script says goes to standard error: standard output belongs to the program.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # an older Python reads the file this far and must be told
    sys.stderr.write(
        f"lsgui: needs Python 3.11 or newer and this is {sys.version_info[0]}.{sys.version_info[1]}: "
        "install one and start again with it, for example: python3.12 packaging/bootstrap.py run\n"
    )
    raise SystemExit(2)

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import system_libraries

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = "lsgui-installed.json"
EXTRAS: dict[str, frozenset[str]] = {
    "run": frozenset(),
    "test": frozenset({"test"}),
    "dev": frozenset({"test", "dev"}),
}
DEMO = ["demo"]
MOST_TESTERS = 4
"""Windows that are tested at the same time: beyond that they wait for each other on the screen."""
MODULES = ("lsgui", "numpy", "scipy", "cv2", "pydicom", "pydantic", "typer", "torch", "PySide6")
DISK_GB = 8
NO_CONNECTION = ("NewConnectionError", "NameResolutionError", "ProxyError", "Max retries exceeded", "Retrying (Retry(")


class SetupError(Exception):
    """The set-up cannot go on; the message is one sentence that says what to do."""


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print("lsgui: " + sentence, file=sys.stderr, flush=True)


def split_arguments(arguments: list[str]) -> tuple[str, list[str]]:
    """Return (verb, arguments for the program) of a command line; SystemExit with the usage where it is none.

    Everything behind `--` goes to the program as it is.
    """
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    own, passed = arguments[:cut], arguments[cut + 1 :]
    if own in (["-h"], ["--help"]):
        print((__doc__ or "").strip())
        raise SystemExit(0)
    if len(own) != 1 or own[0] not in EXTRAS:
        say("say what to do: run, test or dev; arguments for lsgui or pytest follow after --.")
        raise SystemExit(2)
    return own[0], passed


def libraries_needed(verb: str, passed: list[str]) -> dict[str, str]:
    """Return the system libraries that a start needs: all for a window, Qt's own for tests, none for a command."""
    if verb == "run" and passed and passed[0] not in ("open", "demo"):
        return {}
    offscreen = verb == "test" or os.environ.get("QT_QPA_PLATFORM") == "offscreen"
    return system_libraries.TO_IMPORT if offscreen else system_libraries.TO_SHOW


# --- what is already there ----------------------------------------------------------------------------------------


def venv_python(venv: Path = VENV) -> Path:
    """Return the interpreter of the virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(root: Path = ROOT, venv: Path = VENV) -> str:
    """Return a hash over all that an installation depends on: what is asked for, where it is, and for which Python."""
    digest = hashlib.sha256(str(root).encode())
    for path in (root / "pyproject.toml", root / "packaging" / "constraints.txt", venv / "pyvenv.cfg"):
        digest.update(b"\0" + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def read_stamp(venv: Path = VENV) -> tuple[str, frozenset[str]] | None:
    """Return (fingerprint, extras) of the last installation that was completed, or None."""
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
        return str(stamp["fingerprint"]), frozenset(stamp["extras"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(done_for: str, extras: frozenset[str], venv: Path = VENV) -> None:
    """Record a completed installation, whole or not at all."""
    draft = venv / f"{STAMP}.part"
    draft.write_text(json.dumps({"fingerprint": done_for, "extras": sorted(extras)}), encoding="utf-8")
    draft.replace(venv / STAMP)


def extras_to_install(
    wanted: frozenset[str], stamp: tuple[str, frozenset[str]] | None, now: str
) -> frozenset[str] | None:
    """Return the extras to install, or None when the last installation holds them all.

    What was installed before stays: `run` after `test` does not throw the test tools away.
    """
    if stamp is None:
        return wanted
    done_for, extras = stamp
    return None if done_for == now and wanted <= extras else wanted | extras


def succeeds(*command: str) -> bool:
    """Return whether a command can be started and ends well."""
    try:
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def is_whole(python: str) -> bool:
    """Return whether the environment's interpreter starts and finds what was installed."""
    code = "import sys; from importlib.util import find_spec; sys.exit(not all(map(find_spec, sys.argv[1:])))"
    return succeeds(python, "-P", "-c", code, *MODULES)


# --- making it so -------------------------------------------------------------------------------------------------


def make_venv() -> None:
    """Make the virtual environment, in place of a damaged one."""
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not system_libraries.provide([package], say):
            raise SetupError("This Python cannot make virtual environments yet: install the package named above.")
    if VENV.exists() and any(VENV.iterdir()):
        if not (VENV / "pyvenv.cfg").is_file():
            raise SetupError(f"{VENV} is in the way and is no virtual environment: move it elsewhere.")
        say("The virtual environment in .venv is damaged: making a new one")
        shutil.rmtree(VENV)
    else:
        say("Making a virtual environment in .venv")
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], stdout=sys.stderr.fileno(), check=False)
    if made.returncode != 0:
        raise SetupError("Python could not make a virtual environment: see its message above.")


def install(python: str, extras: frozenset[str]) -> None:
    """Install the checkout, editable, with pinned versions; pip's own progress passes through."""
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < DISK_GB:
        say(f"Only {free_gb:.0f} GB are free here; with PyTorch the installation may need {DISK_GB} GB")
    say("Installing lsgui and what it needs (the first time this downloads PyTorch: some minutes)")
    target = "." + (f"[{','.join(sorted(extras))}]" if extras else "")
    log = VENV / "pip.log"
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--log", str(log)]
    command += ["--constraint", str(ROOT / "packaging" / "constraints.txt"), "--editable", target]
    offline = False
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as pip:
        for line in pip.stderr or ():
            if any(sign in line for sign in NO_CONNECTION):
                if not offline:
                    say("The package index does not answer, trying again")
                offline = True
            elif not offline:  # what pip concludes from an index that is out of reach misleads; the log has it
                sys.stderr.write(line)
    if pip.returncode != 0:
        raise SetupError(
            f"The packages could not be downloaded: connect to the internet and run the same command again ({log})."
            if offline
            else f"The installation failed for the reason above: mend it and run the same command again ({log})."
        )


def prepare(verb: str) -> str:
    """Bring the virtual environment to what `verb` needs; return its interpreter."""
    python = str(venv_python())
    stamp = read_stamp() if is_whole(python) else None
    extras = extras_to_install(EXTRAS[verb], stamp, fingerprint())
    if extras is None:
        return python
    began = time.monotonic()
    (VENV / STAMP).unlink(missing_ok=True)
    if not succeeds(python, "-m", "pip", "--version"):
        make_venv()
    install(python, extras)
    if not is_whole(python):
        raise SetupError("The installation is not whole: delete the folder .venv and run the same command again.")
    write_stamp(fingerprint(), extras)
    say(f"Installed in {time.monotonic() - began:.0f} s")
    return python


def side_by_side() -> list[str]:
    """Return the options for pytest that let every core test; the files of tests are shared out whole."""
    return ["--numprocesses", str(max(1, min(os.cpu_count() or 1, MOST_TESTERS))), "--dist", "loadfile"]


def start(python: str, verb: str, passed: list[str]) -> int:
    """Start the program or the tests in place of this script; the exit status is theirs."""
    if verb == "test":
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        os.chdir(ROOT)
        if not passed:  # every core has its tester: computing with several threads each, they would wait for each other
            os.environ.setdefault("OMP_NUM_THREADS", "1")
        command = [python, "-m", "pytest", *(passed or side_by_side())]
    else:
        command = [python, "-P", "-m", "lsgui", *(passed or DEMO)]
    if os.name != "nt":  # there, exec would give the shell back before the program has ended
        os.execv(python, command)
    return subprocess.run(command, check=False).returncode


def main(arguments: list[str]) -> int:
    """Run the script and return its exit status."""
    verb, passed = split_arguments(arguments)
    needed = libraries_needed(verb, passed)
    try:
        system_libraries.provide(system_libraries.missing_packages(needed), say)
        python = prepare(verb)
    except SetupError as reason:
        say(str(reason))
        return 1
    except OSError as fault:
        say(f"{fault.filename or VENV} cannot be written ({fault.strerror}): clone lsgui into a folder of your own.")
        return 1
    except KeyboardInterrupt:
        say("Stopped. The next start goes on from here.")
        return 130
    if verb == "dev":
        say(f"Ready: {python}")
        return 0
    if shutil.which("apt-get") and system_libraries.missing_packages(needed):
        say("Not started: Qt cannot run without the system packages named above.")
        return 1
    return start(python, verb, passed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
