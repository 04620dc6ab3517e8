"""The scores of an evaluation on disk, written clip by clip, so that an interrupted evaluation goes on.

OUT/scores.csv    one row a clip; OUT/windows.csv   one row a window. A clip's windows are written before its row, so a
clip that has a row is complete. Both are put in the data set's order when all is done.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import DatasetError
from lsgui.core.file_names import as_cell, from_cell
from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import ModelRef, WindowScore
from lsgui.training.evaluation.metrics import ClipScores

SCORES_FILE, WINDOWS_FILE = "scores.csv", "windows.csv"

SCORE_COLUMNS = (
    "clip",
    "patient",
    "source",
    "label",
    "p_absent",
    "verdict",
    "windows",
    "start",
    "stop",
    "motion_index",
    "line",
    "quality",
    "model",
    "model_version",
    "model_sha256",
)
WINDOW_COLUMNS = ("clip", "patient", "source", "label", "start", "stop", "p_absent", "clip_start")

Key = tuple[str, int]
"""Which row of a data set: the clip's name and its first frame."""


class ScoresFile:
    """The two files of one evaluation in a folder.

    Parameters
    ----------
    folder
        Where they lie.
    model
        Whose scores they hold; those of another model are refused.
    """

    def __init__(self, folder: Path, model: ModelRef) -> None:
        self._scores, self._windows = folder / SCORES_FILE, folder / WINDOWS_FILE
        self._model = (model.id, model.version, model.sha256)

    def read(self) -> dict[Key, ClipScores]:
        """Return what an earlier run has left; nothing where there is none. A line cut short is passed over.

        Raises
        ------
        DatasetError
            When the file holds the scores of another model or is no such file.
        """
        try:
            return self._read()
        except ValueError as fault:
            raise DatasetError(f"{self._scores} is damaged ({fault}): leave out --resume to begin anew.") from fault

    def _read(self) -> dict[Key, ClipScores]:
        windows: dict[Key, list[WindowScore]] = {}
        for row in _complete_rows(self._windows, WINDOW_COLUMNS):
            window = WindowScore(int(row["start"]), int(row["stop"]), float(row["p_absent"]))
            windows.setdefault((row["clip"], int(row["clip_start"])), []).append(window)
        found: dict[Key, ClipScores] = {}
        for row in _complete_rows(self._scores, SCORE_COLUMNS):
            if (row["model"], row["model_version"], row["model_sha256"]) != self._model:
                raise DatasetError(
                    f"{self._scores} holds scores of model {row['model']} version {row['model_version']}, not of this "
                    "one: name another --out, or leave out --resume to begin anew."
                )
            key = (row["clip"], int(row["start"]))
            if len(windows.get(key, [])) == int(row["windows"]):
                found[key] = _scores_of(row, windows.get(key, []))
        return found

    @contextmanager
    def appending(self, kept: Iterable[ClipScores]) -> Iterator["Appender"]:
        """Begin the files with the rows that are kept, and take more rows one by one."""
        self.write(kept)
        with (
            self._scores.open("a", encoding="utf-8", newline="") as scores,
            self._windows.open("a", encoding="utf-8", newline="") as windows,
        ):
            yield Appender(self, scores, windows)

    def write(self, rows: Iterable[ClipScores]) -> None:
        """Write both files anew, whole or not at all."""
        scores, windows = io.StringIO(newline=""), io.StringIO(newline="")
        csv.writer(scores).writerow(SCORE_COLUMNS)
        csv.writer(windows).writerow(WINDOW_COLUMNS)
        for row in rows:
            self.put(row, scores, windows)
        write_atomic(self._windows, windows.getvalue().encode("utf-8"))
        write_atomic(self._scores, scores.getvalue().encode("utf-8"))

    def put(self, row: ClipScores, scores: io.TextIOBase, windows: io.TextIOBase) -> None:
        """Write one clip's windows, then its row."""
        said = (*map(as_cell, (row.clip, row.patient, row.source)), row.label.value)
        table = csv.writer(windows)
        for window in row.windows:
            table.writerow((*said, window.start, window.stop, repr(float(window.p_absent)), row.start))
        windows.flush()
        csv.writer(scores).writerow(
            (
                *said,
                _text(row.p_absent),
                row.verdict.value,
                len(row.windows),
                row.start,
                row.stop,
                _text(row.motion_index),
                as_cell(row.line),
                " ".join(row.quality),
                *self._model,
            )
        )
        scores.flush()


class Appender:
    """Takes the clips of a running evaluation."""

    def __init__(self, file: ScoresFile, scores: io.TextIOWrapper, windows: io.TextIOWrapper) -> None:
        self._file, self._scores, self._windows = file, scores, windows

    def add(self, row: ClipScores) -> None:
        """Write one clip; it is on its way to the disk when this returns."""
        self._file.put(row, self._scores, self._windows)


def _complete_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a file up to its last line end; a program that was ended leaves a line cut short."""
    if not path.exists():
        return []
    try:
        text, end, _ = path.read_text(encoding="utf-8").rpartition("\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise DatasetError(f"{path} cannot be read ({fault}): leave out --resume to begin anew.") from fault
    table = csv.DictReader(io.StringIO(text + end, newline=""))
    if table.fieldnames is None or tuple(table.fieldnames) != tuple(columns):
        raise DatasetError(f"{path} is not the file of an evaluation: leave out --resume to begin anew.")
    whole = (row for row in table if None not in row.values() and None not in row)
    return [{name: from_cell(cell) for name, cell in row.items()} for row in whole]


def _scores_of(row: dict[str, str], windows: Sequence[WindowScore]) -> ClipScores:
    return ClipScores(
        clip=row["clip"],
        patient=row["patient"],
        source=row["source"],
        label=SlidingLabel(row["label"]),
        p_absent=_number(row["p_absent"]),
        windows=tuple(windows),
        verdict=SlidingLabel(row["verdict"]),
        start=int(row["start"]),
        stop=int(row["stop"]),
        quality=tuple(row["quality"].split()),
        motion_index=_number(row["motion_index"]),
        line=row["line"],
    )


def _text(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _number(text: str) -> float | None:
    return float(text) if text else None
