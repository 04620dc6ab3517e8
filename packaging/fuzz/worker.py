"""Opens damaged files as the program does, one after the other, and says what came of each.

Started by fuzz.py: worker.py LIMIT_MB. A line of JSON comes in for each case, {"target", "path"}, a line goes out:
{"outcome": "opened" | "sentence" | "fault", "said", "seconds", "peak_mb"}. A fault is anything but the file's content
or one sentence with exit status 2.
"""

import contextlib
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

LONGEST_SENTENCE = 400
SMALL_CLIP = Path(__file__).resolve().parents[2] / "resources" / "demo" / "sliding.mp4"


def main() -> int:
    """Answer cases until standard input ends."""
    limit_mb = int(sys.argv[1])
    _limit_memory(limit_mb)
    answers = sys.stdout
    for line in sys.stdin:
        case = json.loads(line)
        began = time.perf_counter()
        said, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
            outcome, words = _opened(case["target"], Path(case["path"]), errors)
        seconds = round(time.perf_counter() - began, 3)
        answers.write(json.dumps({"outcome": outcome, "said": words, "seconds": seconds, "peak_mb": _peak_mb()}) + "\n")
        answers.flush()
    return 0


def _opened(target: str, path: Path, errors: io.StringIO) -> tuple[str, str]:
    from lsgui.core.errors import LsguiError

    try:
        status = TARGETS[target](path)
    except LsguiError as fault:
        return _judged(str(fault))
    except BaseException as fault:  # noqa: BLE001 - whatever comes is what is looked for
        return "fault", f"{type(fault).__name__}: {fault}"[:1000]
    if status == 0:
        return "opened", ""
    sentence = errors.getvalue().strip()
    return _judged(sentence) if status == 2 else ("fault", f"exit status {status}: {sentence}"[:1000])


def _judged(sentence: str) -> tuple[str, str]:
    fine = 0 < len(sentence) <= LONGEST_SENTENCE and "\n" not in sentence and "Traceback" not in sentence
    return ("sentence" if fine else "fault"), sentence[:1000]


def _clip(path: Path) -> int:
    """Read what `lsgui info` says, and every frame."""
    from lsgui.cli.main import run
    from lsgui.readers.base import open_clip

    status = run(["info", str(path), "--json"])
    if status == 0:
        clip = open_clip(path)
        try:
            for k in range(len(clip)):
                clip.frame(k)
        finally:
            close = getattr(clip.store, "close", None)
            if close is not None:
                close()
    return status


def _line(path: Path) -> int:
    """Read a file of pleural lines, and hold its line against a clip's size."""
    from lsgui.core.pleura import check_roi_fits
    from lsgui.inference.line_file import read_lines

    lines = read_lines(path)
    roi = lines.line_for("tuke_lumify_l12.mp4") if lines is not None else None
    if roi is not None:
        check_roi_fits(roi, 1280, 720, "clip")
        roi.line_at(3)
    return 0


def _labels(path: Path) -> int:
    """Import labels into an empty store."""
    from lsgui.cli.main import run

    store = path.with_name("fuzzed.sqlite")
    try:
        return run(["labels", "import", str(path), "--store", str(store), "--rater", "FUZZ"])
    finally:
        for left in path.parent.glob("fuzzed*"):
            if left.is_file():
                left.unlink()


def _table(path: Path) -> int:
    """Read a data set's table."""
    from lsgui.training.data.dataset_rows import read_listed

    read_listed(path.parent, path)
    return 0


def _card(path: Path) -> int:
    """Read a model's card in the folder, check its hash and load its weights."""
    from lsgui.inference.pipeline import network_of
    from lsgui.models.card import load_card

    card = load_card(path.parent)
    if card.needs_weights:
        network_of(str(path.parent), card.sha256, "cpu")
        network_of.cache_clear()
    return 0


def _settings(path: Path) -> int:
    """Read settings."""
    from lsgui.review.settings import load_settings

    load_settings(path)
    return 0


TARGETS: dict[str, Callable[[Path], int]] = {
    "clip": _clip,
    "line": _line,
    "labels": _labels,
    "table": _table,
    "card": _card,
    "settings": _settings,
}


def _limit_memory(limit_mb: int) -> None:
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit_mb << 20, limit_mb << 20))


def _peak_mb() -> int:
    try:
        import resource
    except ImportError:
        return 0
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    sys.exit(main())
