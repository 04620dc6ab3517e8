"""Opens damaged files as the program does, one after the other, and says what came of each.

Started by fuzz.py: worker.py LIMIT_MB. A line of JSON comes in for each case, {"target", "path", "act"}, a line goes
out: {"outcome": "opened" | "sentence" | "fault", "said", "seconds", "peak_mb"}. A fault is anything but the file's
content or one sentence with exit status 2. `act` is what is done meanwhile: "" nothing, "nobody" read as another user,
"hold" hold the other end of a pipe, "gone 2" take the file away when it is opened the second time (also "cut",
"folder", "other").
"""

import contextlib
import importlib
import io
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from targets import TARGETS

LONGEST_SENTENCE = 320
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e]")
NOBODY = 65_534


def main() -> int:
    """Answer cases until standard input ends."""
    _limit_memory(int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    for line in sys.stdin:
        case = json.loads(line)
        began = time.perf_counter()
        said, errors = io.StringIO(), io.StringIO()
        path = Path(case["path"])
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(errors),
            _meanwhile(case["target"], path, case.get("act", "")),
        ):
            outcome, words = _opened(case["target"], path, errors)
        seconds = round(time.perf_counter() - began, 3)
        answers.write(json.dumps({"outcome": outcome, "said": words, "seconds": seconds, "peak_mb": _peak_mb()}) + "\n")
        answers.flush()
    return 0


def _opened(target: str, path: Path, errors: io.StringIO) -> tuple[str, str]:
    from lsgui.core.errors import LsguiError

    try:
        status = TARGETS[target](path)
    except LsguiError as fault:
        return judged(str(fault))
    except BaseException as fault:  # noqa: BLE001  # whatever comes is what is looked for
        return "fault", f"{type(fault).__name__}: {fault} {traceback.format_exc()[-1200:]}"
    said = errors.getvalue()
    if status == 0:
        stray = "" if all(line.startswith("lsgui: ") for line in said.splitlines()) else said[:500]
        return ("fault", f"opened, but said: {stray}") if stray else ("opened", "")
    lines = said.splitlines()
    if status != 2 or not lines or not all(line.startswith("lsgui: ") for line in lines):
        return "fault", f"exit status {status}: {said}"[:2000]
    said_each = [judged(line.removeprefix("lsgui: ")) for line in lines]
    return next((each for each in said_each if each[0] == "fault"), said_each[-1])


def judged(sentence: str) -> tuple[str, str]:
    """Return whether what was said is one sentence for a user."""
    fine = 0 < len(sentence) <= LONGEST_SENTENCE and not _CONTROL.search(sentence) and sentence.endswith(".")
    fine = fine and "Traceback" not in sentence and "Error:" not in sentence
    return ("sentence" if fine else "fault"), sentence[:1000]


# --- what is done meanwhile ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _meanwhile(target: str, path: Path, act: str) -> Iterator[None]:
    kind, _, count = act.partition(" ")
    if kind == "nobody" and hasattr(os, "seteuid") and os.geteuid() == 0:
        _load_libraries(target, path)
        with _as_nobody():
            yield
    elif kind == "hold" and hasattr(os, "O_NONBLOCK"):
        other_end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            yield
        finally:
            os.close(other_end)
    elif count:
        with _changing(path, kind, int(count)):
            yield
    else:
        yield


def _load_libraries(target: str, path: Path) -> None:
    """Load what opening loads, which lies where nobody may not read."""
    importlib.import_module("lsgui.review.log_file")
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        TARGETS[target](path.with_name(f"gone{path.suffix}"))


@contextlib.contextmanager
def _as_nobody() -> Iterator[None]:
    if hasattr(os, "seteuid"):
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)


@contextlib.contextmanager
def _changing(path: Path, kind: str, count: int) -> Iterator[None]:
    """Change a file just before it is opened for the `count`-th time."""
    plain, times = Path.open, [0]

    def opened(self: Path, *args: Any, **more: Any) -> Any:
        if self == path:
            times[0] += 1
            if times[0] == count and path.is_file():
                _change(path, kind)
        return plain(self, *args, **more)

    Path.open = opened
    try:
        yield
    finally:
        Path.open = plain


def _change(path: Path, kind: str) -> None:
    data = path.read_bytes() if kind in ("cut", "other") else b""
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "cut":
        path.write_bytes(data[: len(data) // 3])
    elif kind == "other":
        path.write_bytes(b"GIF89a" + data[-2000:])


def _limit_memory(limit_mb: int) -> None:
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit_mb << 20, limit_mb << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _peak_mb() -> int:
    """Return the most memory that this process ever had; the system's usual figure counts its parent's too."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024
    try:
        import resource
    except ImportError:
        return 0
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    sys.exit(main())
