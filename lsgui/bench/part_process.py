"""Runs one part of the bench in a process of its own: no part disturbs another, and none takes the rest along."""

import contextlib
import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lsgui.bench.parts import NotMeasurableError, Part, load_measure
from lsgui.bench.rows import BenchRow, Tell
from lsgui.core.errors import LsguiError
from lsgui.core.spawning import deaf_to_interrupts, no_main_module, write_output_to

LONGEST_S = 300.0
"""A part that takes longer is ended."""

_END_WAIT_S = 3.0
_LOG = "part.log"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PartResult:
    """What came of a part.

    Attributes
    ----------
    data, rows
        What it measured; empty where it ended without.
    reason
        One sentence where nothing was measured; empty otherwise.
    fault
        Whether that is a fault of the program, and not of the machine or the installation.
    seconds
        How long the part took, its process and its libraries included.
    details
        For the log: the end of what the process wrote, where it is a fault.
    """

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    rows: tuple[BenchRow, ...] = ()
    reason: str = ""
    fault: bool = False
    seconds: float = 0.0
    details: str = ""


def run_part(part: Part, *, quick: bool, tell: Tell, longest_s: float = LONGEST_S) -> PartResult:
    """Measure one part in a child process and return what came of it; the child is gone afterwards, whatever happens.

    Raises
    ------
    KeyboardInterrupt
        When the user stops the run: the child, and what it started, are ended first.
    """
    begun = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(prefix="lsgui-bench-", ignore_cleanup_errors=True) as folder:
        child = context.Process(target=_work, args=(theirs, part, quick, folder), name=f"lsgui-bench-{part.name}")
        with no_main_module(), deaf_to_interrupts():
            child.start()
        theirs.close()
        try:
            result = _listen(ours, child, part.name, tell, begun + longest_s)
            if not result.fault:
                child.join(_END_WAIT_S)
            details = _last_words(Path(folder)) if result.fault else ""  # now: the child clears the folder when it ends
        finally:
            ours.close()  # at which the child ends by itself, and all that it started
            _end(child)
    return replace(result, seconds=time.perf_counter() - begun, details=details)


def _listen(pipe: "Connection[Any, Any]", child: Any, name: str, tell: Tell, deadline: float) -> PartResult:
    while (left := deadline - time.perf_counter()) > 0.0:
        if not pipe.poll(min(left, 0.5)):
            continue
        try:
            said = pipe.recv()
        except (EOFError, OSError):
            child.join(_END_WAIT_S)
            return PartResult(name, reason=f"{name}: the part ended unexpectedly ({_status(child)}).", fault=True)
        if isinstance(said, PartResult):
            return said
        tell(*said)
    return PartResult(name, reason=f"{name}: the part did not end in time and was stopped.", fault=True)


def _last_words(folder: Path) -> str:
    try:
        return (folder / _LOG).read_text(encoding="utf-8", errors="replace")[-4000:]
    except OSError:
        return ""


def _status(child: Any) -> str:
    if child.exitcode == -9:
        return "the system ended it, probably for lack of memory"
    return f"exit status {child.exitcode}"


def _end(child: Any) -> None:
    child.join(_END_WAIT_S)
    if child.is_alive():
        kill_tree(child.pid)
        child.join(_END_WAIT_S)


def kill_tree(pid: int) -> None:
    """End a process that began a group of its own, and what it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):  # one that had not come as far as its own group
            os.kill(pid, signal.SIGKILL)
    else:
        with contextlib.suppress(OSError):
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)


# --- in the child ------------------------------------------------------------------------------------------------


def _work(pipe: "Connection[Any, Any]", part: Part, quick: bool, folder: str) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl+C goes to the owner alone, who ends this group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stay_within(Path(folder))
    write_output_to(Path(folder) / _LOG)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    threading.Thread(target=_watch_owner, args=(pipe, folder), name="owner", daemon=True).start()
    sending = threading.Lock()

    def tell(words: str, fraction: float) -> None:
        with sending:
            pipe.send((words, fraction))

    result = measured(part, quick, tell)
    with sending:
        pipe.send(result)


def _stay_within(folder: Path) -> None:
    """Keep temporary files, and the home of windows that are started, in a folder that the owner removes."""
    tempfile.tempdir = str(folder)
    os.environ.update({name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")})
    os.environ["LSGUI_HOME"] = str(folder / "home")


def measured(part: Part, quick: bool, tell: Tell) -> PartResult:
    """Measure a part in this process; whatever it raises becomes a sentence."""
    try:
        found = load_measure(part)(tell, quick)
        return PartResult(part.name, found.as_json(), tuple(found.rows()))
    except NotMeasurableError as reason:
        return PartResult(part.name, reason=str(reason))
    except ModuleNotFoundError as fault:
        return PartResult(part.name, reason=f"{part.name}: {fault.name} is not installed, and this part needs it.")
    except LsguiError as reason:
        return PartResult(part.name, reason=f"{part.name}: {reason}")
    except Exception as fault:
        logger.exception("the part %s of the bench failed", part.name)
        said = " ".join(f"{type(fault).__name__}: {fault}".split())
        return PartResult(part.name, reason=f"{part.name}: a fault of the program ({said}).", fault=True)


def _watch_owner(pipe: "Connection[Any, Any]", folder: str) -> None:
    # The owner never sends anything: what comes is the end of the pipe, because it stopped the run or died.
    with contextlib.suppress(EOFError, OSError):
        pipe.recv()
    shutil.rmtree(folder, ignore_errors=True)  # an owner that was killed cannot
    kill_tree(os.getpid())
    os._exit(1)
