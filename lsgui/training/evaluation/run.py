"""One evaluation of a model on a labelled folder: judge every clip as `lsgui predict` does, keep the scores, report.

Nothing is fitted here: calibration and threshold are those of the model's card.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lsgui.core.errors import DatasetError
from lsgui.inference.protocol import DeviceChoice
from lsgui.models.card import ModelCard, load_card
from lsgui.training.data.data_folder import read_folder
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.evaluation.clip_scoring import ClipTask, judge_all
from lsgui.training.evaluation.metrics import ClipScores
from lsgui.training.evaluation.scores_file import Key, ScoresFile

Tell = Callable[[int, int, str], None]
"""Takes how many clips are done, how many there are, and the name of the last one."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A clip without scores, and the sentence that says why."""

    clip: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model said of the clips of a data set.

    Attributes
    ----------
    rows
        The clips that were judged, in the data set's order.
    unread
        Those that could not be read or analysed.
    data
        The folder.
    missing, note
        Clips that the labels name and the folder lacks, and a sentence on them.
    """

    card: ModelCard
    data: Path
    rows: tuple[ClipScores, ...]
    unread: tuple[Unread, ...]
    missing: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """What to evaluate, and where the scores go.

    Attributes
    ----------
    index
        Rows to use in place of the folder's own.
    model
        A model's id, or a folder with model.json.
    resume
        Go on with the scores that an interrupted run has left in `out`.
    """

    data: Path
    index: Path | None
    model: str
    out: Path
    device: DeviceChoice = "auto"
    jobs: int = 1
    resume: bool = False

    def execute(self, tell: Tell = lambda _done, _count, _name: None) -> Evaluation:
        """Judge all clips and return what was said; scores are on disk from the first clip on.

        Raises
        ------
        LsguiError
            When the data set, the model or the output folder cannot be used.
        """
        card = load_card(self.model)
        folder = read_folder(self.data, self.index)
        tasks = tasks_of(folder.rows, self.data)
        file = ScoresFile(self._folder(), card.ref)
        scored = _still_valid(file.read(), tasks) if self.resume else {}
        left = [task for task in tasks if (task.name, task.start) not in scored]
        unread: list[Unread] = []
        done = len(scored)
        tell(done, len(tasks), "")
        with file.appending(scored.values()) as appender:
            for task, said in judge_all(left, self.model, self.device, self.jobs):
                done += 1
                tell(done, len(tasks), task.name)
                if isinstance(said, str):
                    unread.append(Unread(task.name, said))
                else:
                    scored[task.name, task.start] = said
                    appender.add(said)
        rows = tuple(scored[key] for task in tasks if (key := (task.name, task.start)) in scored)
        file.write(rows)
        return Evaluation(card, self.data, rows, tuple(unread), folder.missing, folder.note)

    def _folder(self) -> Path:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise DatasetError(
                f"{self.out}: the folder cannot be made ({fault.strerror}): name another one."
            ) from fault
        return self.out


def tasks_of(rows: Sequence[DatasetRow], data: Path) -> list[ClipTask]:
    """Return the clips of a data set as tasks.

    Raises
    ------
    DatasetError
        When one stretch of a clip stands there twice.
    """
    tasks = [_task(number, row, data) for number, row in enumerate(rows)]
    seen: set[Key] = set()
    for task in tasks:
        key = (task.name, task.start)
        if key in seen:
            raise DatasetError(f"{data}: {task.name} stands twice from frame {task.start} on: keep one of the rows.")
        seen.add(key)
    return tasks


def _task(number: int, row: DatasetRow, data: Path) -> ClipTask:
    inside = row.clip.is_relative_to(data)
    return ClipTask(
        index=number,
        name=(row.clip.relative_to(data) if inside else row.clip).as_posix(),
        path=row.clip,
        label=row.label,
        patient=row.patient,
        source=row.source,
        start=row.start,
        stop=row.stop,
        roi=row.roi,
    )


def _still_valid(found: dict[Key, ClipScores], tasks: Sequence[ClipTask]) -> dict[Key, ClipScores]:
    """Return earlier scores of the very frames that the data set names now, with its labels as they are now."""
    kept = {}
    for task in tasks:
        old = found.get((task.name, task.start))
        if old is not None and (task.stop is None or old.stop == task.stop):
            kept[task.name, task.start] = replace(old, label=task.label, patient=task.patient, source=task.source)
    return kept
