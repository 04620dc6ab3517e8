"""The run of `lsgui predict` over its clips: here, in worker processes or on a cluster, and what becomes of each."""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from lsgui.cli.clip_progress import clip_progress
from lsgui.cli.predict_work import ClipOutcome, ClipTask, ClipWork, WorkSetup
from lsgui.core.errors import LsguiError

if TYPE_CHECKING:
    from lsgui.cli.predict_output import Output
    from lsgui.cli.predict_record import RunRecord

Tell = Callable[[int, str, float], None]
"""Takes the place of a clip, what is being done with it, and how far it is, 0 to 1."""

Outcomes = Generator[tuple[int, ClipOutcome]]
Source = Callable[[Mapping[int, ClipTask], Tell], Outcomes]
"""Judges clips, given by their places, and yields what came of each in whatever order they end."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Takers:
    """Who takes the answers.

    Attributes
    ----------
    lines
        Those that list the clips: in the order of the clips, or as they end where `as_done`.
    keepers
        Those that keep something for each clip by itself (a picture, a row in a store): as they end.
    record
        What a resumed run goes on from: as they end, once the keepers have theirs.
    """

    lines: Sequence["Output"]
    keepers: Sequence["Output"] = ()
    record: "RunRecord | None" = None
    as_done: bool = False


def run_clips(tasks: Sequence[ClipTask], source: Source, takers: Takers) -> int:
    """Judge the clips, hand each outcome on as it ends, and return the exit status."""
    desk, record, complete = _Desk(tasks, takers), takers.record, False
    try:
        with _progress(tasks) as tell:
            left: dict[int, ClipTask] = {}
            for place, task in enumerate(tasks):
                known = _known(task, record)
                if known is None:
                    left[place] = task
                else:
                    desk.take(place, known, fresh=False)
                    tell(place, "known", 1.0)
            with closing(source(left, tell)) as outcomes:
                for place, outcome in outcomes:
                    desk.take(place, outcome, fresh=True)
                    tell(place, "done", 1.0)
        complete = True
    except KeyboardInterrupt:
        if record is not None and record.kept:
            answers = f"{record.kept} answer{'s' * (record.kept != 1)}"
            typer.echo(f"lsgui: {answers} kept: the same command with --resume goes on.", err=True)
        raise
    finally:
        if record is not None:
            record.close(complete=complete)
    return 2 if desk.faults else 0


def judge_here(setup: WorkSetup, tasks: Mapping[int, ClipTask], tell: Tell) -> Outcomes:
    """Judge clips one after another in this process, with all its cores; they are decoded in another one."""
    if not tasks:
        return
    work = ClipWork(setup, apart=True)
    try:
        for place, task in tasks.items():
            yield place, work(task, partial(tell, place))
    finally:
        work.close()


def judge_in_processes(setup: WorkSetup, jobs: int, tasks: Mapping[int, ClipTask], tell: Tell) -> Outcomes:
    """Judge clips in worker processes, so that a clip that takes its process along is that clip's fault alone."""
    from lsgui.inference.job_count import threads_each
    from lsgui.inference.worker_pool import Died, PoolPlan, Told, WorkerPool

    jobs = min(jobs, len(tasks))
    places = list(tasks)
    with WorkerPool(PoolPlan("lsgui.cli.predict_work:make_work", setup, threads_each(jobs)), jobs) as pool:
        for event in pool.run(list(tasks.values())):
            place = places[event.index]
            if isinstance(event, Told):
                tell(place, event.words, event.fraction)
            elif isinstance(event, Died):
                yield place, ended_unexpectedly(tasks[place], event.cause, event.details)
            else:
                yield place, event.result


def ended_unexpectedly(task: ClipTask, cause: str, details: str = "") -> ClipOutcome:
    """Return the outcome of a clip whose worker gave none, and write its last words to the log."""
    from lsgui.review.log_file import clip_tag, fault_log

    with fault_log():
        logger.error("a worker of predict ended on %s: %s\n%s", clip_tag(task.path), cause, details)
    name = task.path.name
    return ClipOutcome(name, error=f"{name}: its analysis ended unexpectedly ({cause}): try this clip by itself.")


class _Desk:
    """Hands outcomes on, to each taker in its order."""

    def __init__(self, tasks: Sequence[ClipTask], takers: Takers) -> None:
        self._tasks = tasks
        self._takers = takers
        self._due = 0
        self._held: dict[int, tuple[ClipOutcome, LsguiError | None]] = {}
        self.faults = 0

    def take(self, place: int, outcome: ClipOutcome, *, fresh: bool) -> None:
        """Take what came of a clip; a taker that cannot go on is said when the clip's own turn has come.

        Raises
        ------
        LsguiError
            When something cannot be written.
        """
        self.faults += bool(outcome.error)
        problem = self._keep(place, outcome) if fresh else None
        small = replace(outcome, picture=None, prediction=None, info=None)  # it may wait for its turn
        if self._takers.as_done:
            self._say(small, problem)
            return
        self._held[place] = (small, problem)
        while self._due in self._held:
            self._due += 1
            self._say(*self._held.pop(self._due - 1))

    def _keep(self, place: int, outcome: ClipOutcome) -> LsguiError | None:
        try:
            for keeper in self._takers.keepers:
                _tell_one(keeper, outcome)
            if self._takers.record is not None:
                self._takers.record.add(self._tasks[place], outcome)
        except LsguiError as problem:
            return problem
        return None

    def _say(self, outcome: ClipOutcome, problem: LsguiError | None) -> None:
        for taker in self._takers.lines:
            _tell_one(taker, outcome)
        if problem is not None:
            raise problem


def _tell_one(taker: "Output", outcome: ClipOutcome) -> None:
    if outcome.said is None:
        taker.fault(outcome.clip, outcome.error)
    else:
        taker.answer(outcome, outcome.said)


def _known(task: ClipTask, record: "RunRecord | None") -> ClipOutcome | None:
    if task.error:
        return ClipOutcome(task.path.name, error=task.error)
    return None if record is None else record.known(task)


@contextmanager
def _progress(tasks: Sequence[ClipTask]) -> Iterator[Tell]:
    with clip_progress(len(tasks)) as bar:
        parts: dict[int, float] = {}

        def tell(place: int, words: str, fraction: float) -> None:
            parts[place] = fraction
            bar(tasks[place].path.name, 0, words, sum(parts.values()))

        yield tell
