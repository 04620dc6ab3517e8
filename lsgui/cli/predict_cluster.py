"""`lsgui predict --cluster`: the clips go to the workers of a Dask scheduler, which see them under the same paths."""

import logging
import threading
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from lsgui import __version__
from lsgui.cli.predict_run import Outcomes, Source, Tell, ended_unexpectedly
from lsgui.cli.predict_work import ClipOutcome, ClipTask, ClipWork, WorkSetup, make_work
from lsgui.core.errors import LsguiError
from lsgui.inference.device import core_count

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 10.0
"""How long the scheduler, and then a first worker, is waited for."""

_own = threading.local()
"""In a Dask worker: the work of each of its threads, kept from clip to clip so that torch is loaded once."""


def open_cluster(stack: ExitStack, address: str, setup: WorkSetup) -> Source:
    """Return where the clips are judged: the workers of the scheduler at `address`, "tcp://host:8786".

    A clip whose worker ends is given to another one by Dask; nothing is sent but tasks and answers.

    Raises
    ------
    LsguiError
        When Dask is not installed, the scheduler does not answer or has no worker, or a worker has another version.
    """
    try:
        from distributed import Client
    except ImportError as fault:
        raise LsguiError(
            "--cluster needs Dask, which is not installed: run pip install 'lsgui[cluster]' here and on the workers."
        ) from fault
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said in a sentence
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as fault:
        raise LsguiError(f"No Dask scheduler answers at {address}: check the address, and that it runs.") from fault
    stack.callback(client.close)
    slots = _slots(client, address)
    _check_versions(client, address)
    return partial(_judge, client, setup, slots)


def _slots(client: "Client", address: str) -> dict[str, int]:
    """Return by host how many clips its workers judge at once."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as fault:
        raise LsguiError(f"The Dask scheduler at {address} has no worker: start one with dask worker.") from fault
    counts: Counter[str] = Counter()
    for worker in client.scheduler_info(n_workers=-1)["workers"].values():
        counts[worker["host"]] += worker["nthreads"]
    return dict(counts)


def _check_versions(client: "Client", address: str) -> None:
    try:
        versions = set(client.run(worker_version).values())
    except ImportError as fault:
        raise LsguiError(f"A worker of {address} has no lsgui: install version {__version__} there.") from fault
    if versions != {__version__}:
        others = ", ".join(sorted(versions - {__version__}))
        raise LsguiError(f"A worker of {address} has lsgui {others}: install version {__version__} there.")


def worker_version() -> str:
    """Return the version of the program, on a worker."""
    return __version__


def _judge(
    client: "Client", setup: WorkSetup, slots: dict[str, int], tasks: Mapping[int, ClipTask], tell: Tell
) -> Outcomes:
    from distributed import as_completed

    run = uuid.uuid4().hex  # a scheduler answers a key that it knows from another run with that run's answer
    futures = {
        client.submit(judge_on_worker, setup, task, slots, pure=False, key=f"lsgui-{run}-{place}"): place
        for place, task in tasks.items()
    }
    try:
        for future in as_completed(list(futures), loop=client.loop):
            place = futures.pop(future)
            tell(place, "judged", 1.0)
            yield place, _outcome(future, tasks[place])
            future.release()
    finally:
        client.cancel(list(futures))  # after Ctrl+C or a fault: what has not begun is not begun


def _outcome(future: Any, task: ClipTask) -> ClipOutcome:
    if future.status == "finished":
        outcome: ClipOutcome = future.result()
        return outcome
    fault = future.exception()
    return ended_unexpectedly(task, type(fault).__name__, str(fault))


# --- on a worker -------------------------------------------------------------------------------------------------


def judge_on_worker(setup: WorkSetup, task: ClipTask, slots: dict[str, int]) -> ClipOutcome:
    """Judge one clip on a Dask worker; its cores are shared out among the clips that are judged at once on its host."""
    work: ClipWork | None = getattr(_own, "work", None)
    if work is None or _own.setup != setup:
        if work is not None:
            work.close()
        _own.work = work = make_work(setup, max(1, core_count() // slots.get(_host(), 1)))
        _own.setup = setup
    return work(task, lambda _words, _fraction: None)


def _host() -> str:
    from distributed import get_worker

    host: str = get_worker().address.rpartition(":")[0].rpartition("/")[2]
    return host
