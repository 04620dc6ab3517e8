"""Several worker processes that do tasks one by one: each death spoils one task only, and none outlives the owner."""

import contextlib
import logging
import multiprocessing
import os
import queue
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lsgui.core.errors import LsguiError
from lsgui.core.spawning import deaf_to_interrupts, no_main_module, write_output_to
from lsgui.inference.plan import load_by_name

MOST_FALSE_STARTS = 3
"""After so many workers that ended before they were ready, in a row, the pool gives up."""

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_END_WAIT_S = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """What the workers are, as a name: the owner loads neither torch nor anything else of it.

    Attributes
    ----------
    make
        "module:function" from (setup, threads) to the work: a function of (task, tell) that returns the result, where
        `tell(words, fraction)` says how far it is. An `LsguiError` that `make` raises ends the whole run.
    setup
        What all tasks share; it is sent once to each worker.
    threads
        Processor threads of each worker.
    """

    make: str
    setup: Any
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Told:
    """How far a task is: what is being done, and 0 to 1."""

    index: int
    words: str
    fraction: float


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """The result of a task."""

    index: int
    result: Any


@dataclass(frozen=True, slots=True)
class Died:
    """A task without a result: its worker ended, or the work raised; `cause` in a few words, `details` for the log."""

    index: int
    cause: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class _Ready:
    pass


@dataclass(frozen=True, slots=True)
class _CannotStart:
    sentence: str


PoolEvent = Told | Done | Died


class WorkerPool:
    """Does tasks in `jobs` processes; use it in a `with` block, at whose end every process is gone.

    Parameters
    ----------
    plan
        What the workers are.
    jobs
        How many there are at most; never more than tasks.
    """

    def __init__(self, plan: PoolPlan, jobs: int) -> None:
        self._plan = plan
        self._jobs = max(1, jobs)
        self._workers: list[_Worker] = []
        self._stack = contextlib.ExitStack()
        self._false_starts = 0

    def __enter__(self) -> Self:
        folder = tempfile.TemporaryDirectory(prefix="lsgui-workers-", ignore_cleanup_errors=True)
        self._folder = Path(self._stack.enter_context(folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.let_go()
        for worker in self._workers:
            worker.end(_END_WAIT_S if fault is None else 0.0)
        self._workers.clear()
        self._stack.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that live."""
        return [worker.process.pid for worker in self._workers if worker.process.pid is not None]

    def run(self, tasks: Sequence[Any]) -> Iterator[PoolEvent]:
        """Do the tasks, begun in their order; yield what is told, and one `Done` or `Died` for each as it ends.

        Raises
        ------
        LsguiError
            When no worker can start.
        """
        waiting = deque(range(len(tasks)))
        while waiting or any(worker.index is not None for worker in self._workers):
            busy = sum(worker.index is not None for worker in self._workers)
            while len(self._workers) < min(self._jobs, len(waiting) + busy):
                self._workers.append(_Worker(self._plan, self._folder))
            for worker in self._workers:
                if worker.ready and worker.index is None and waiting:
                    worker.give(waiting.popleft(), tasks)
            by_pipe: dict[Any, _Worker] = {worker.pipe: worker for worker in self._workers}
            for pipe in connection.wait(list(by_pipe)):
                event = self._hear(by_pipe[pipe])
                if event is not None:
                    yield event

    def _hear(self, worker: "_Worker") -> PoolEvent | None:
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            return self._bury(worker)
        if isinstance(said, _CannotStart):
            raise LsguiError(said.sentence)
        if isinstance(said, _Ready):
            worker.ready, self._false_starts = True, 0
            return None
        if not isinstance(said, Told):
            worker.index = None
        event: PoolEvent = said
        return event

    def _bury(self, worker: "_Worker") -> Died | None:
        self._workers.remove(worker)
        worker.let_go()
        worker.end(_END_WAIT_S)
        cause, details = worker.cause_of_death(), worker.last_words()
        logger.info("a worker ended: %s\n%s", cause, details)
        if worker.index is not None:
            return Died(worker.index, cause, details)
        self._false_starts += not worker.ready
        if self._false_starts >= MOST_FALSE_STARTS:
            last = details.strip().splitlines()[-1:] or [cause]
            raise LsguiError(f"The worker processes cannot start ({cause}: {last[0]}): try with --jobs 1.")
        return None


class _Worker:
    """One process and what it is doing."""

    def __init__(self, plan: PoolPlan, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.index: int | None = None
        self.ready = False
        handle, log = tempfile.mkstemp(".log", "worker-", folder)
        os.close(handle)
        self._log = Path(log)
        self.process = context.Process(
            target=_work, args=(theirs, plan.threads, log), name="lsgui-clip-worker", daemon=True
        )
        with no_main_module(), deaf_to_interrupts():
            self.process.start()
        theirs.close()  # the child holds its end alone, so that the death of either side is the end of the pipe
        with contextlib.suppress(OSError):  # a death, which the owner sees when it listens
            self.pipe.send(plan)

    def give(self, index: int, tasks: Sequence[Any]) -> None:
        """Hand a task over."""
        self.index = index
        with contextlib.suppress(OSError):  # a death, which the owner sees when it listens
            self.pipe.send((index, tasks[index]))

    def let_go(self) -> None:
        """Close the pipe, at which the process ends by itself."""
        self.pipe.close()

    def end(self, patience_s: float) -> None:
        """Make sure that the process has ended."""
        self.process.join(patience_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(_END_WAIT_S)

    def cause_of_death(self) -> str:
        """Say in words how the process ended."""
        status = self.process.exitcode
        if status == -9:
            return "the system ended it, probably for lack of memory"
        return f"exit status {status}"

    def last_words(self) -> str:
        """Return the end of what the process wrote."""
        with contextlib.suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]
        return ""


# --- in the worker -----------------------------------------------------------------------------------------------


def _work(pipe: "Connection[Any, Any]", threads: int, log: str) -> None:
    write_output_to(Path(log))
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, str(threads)))  # before numpy and torch are loaded
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, inbox, Path(log)), name="listener", daemon=True).start()
    plan: PoolPlan = inbox.get()
    try:
        work = load_by_name(plan.make)(plan.setup, threads)
    except LsguiError as fault:
        pipe.send(_CannotStart(str(fault)))
        return
    pipe.send(_Ready())
    while True:
        index, task = inbox.get()
        pipe.send(_done(pipe, work, index, task))


def _done(pipe: "Connection[Any, Any]", work: Callable[..., Any], index: int, task: Any) -> Done | Died:
    try:
        return Done(index, work(task, lambda words, fraction: pipe.send(Told(index, words, fraction))))
    except Exception as fault:
        logger.exception("a task failed")
        return Died(index, " ".join(f"{type(fault).__name__}: {fault}".split()), traceback.format_exc())


def _listen(pipe: "Connection[Any, Any]", inbox: "queue.SimpleQueue[Any]", log: Path) -> None:
    # Its own thread: the process never outlives its owner, however busy it is.
    try:
        while True:
            inbox.put(pipe.recv())
    except (EOFError, OSError):
        with contextlib.suppress(OSError):  # an owner that was killed cannot; the last worker removes the folder
            log.unlink()
            log.parent.rmdir()
        os._exit(0)
    finally:
        os._exit(70)
