"""The pool of worker processes: every task ends once, a death spoils its own task, and nothing is left over."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lsgui.core.errors import LsguiError
from lsgui.inference.worker_pool import Died, Done, PoolPlan, Told, WorkerPool

PLAN = PoolPlan("pool_tasks:make", "usual")
HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH", "")])))


def _run(tasks, jobs=2, plan=PLAN):
    with WorkerPool(plan, jobs) as pool:
        events = list(pool.run(tasks))
    ends = {event.index: event for event in events if not isinstance(event, Told)}
    assert sorted(ends) == list(range(len(tasks))), "every task ends once"
    assert len([event for event in events if not isinstance(event, Told)]) == len(tasks)
    return events, ends


def test_tasks_are_shared_out_and_told_of():
    events, ends = _run([0.3, 0.3, "a", "b"])
    assert [ends[k].result[0] for k in range(4)] == [0.3, 0.3, "a", "b"]
    assert len({ends[k].result[1] for k in range(2)}) == 2, "two at once"
    assert os.getpid() not in {end.result[1] for end in ends.values()}
    assert Told(0, "begun", 0.5) in events


def test_results_come_as_they_end():
    events, _ = _run([1.0, "quick"])
    assert [event.index for event in events if isinstance(event, Done)] == [1, 0]


@pytest.mark.parametrize("bad", ["crash", "exit", "raise"])
def test_a_death_spoils_its_own_task_alone(bad, capfd):
    _, ends = _run(["a", bad, "b", "c"])
    assert isinstance(ends[1], Died)
    assert [ends[k].result[0] for k in (0, 2, 3)] == ["a", "b", "c"]
    if bad == "raise":
        assert ends[1].cause == "ValueError: no such thing"
        assert "Traceback" in ends[1].details
    elif sys.platform != "win32":
        assert ends[1].cause == ("exit status 7" if bad == "exit" else f"exit status -{signal.SIGSEGV.value}")
    if bad == "crash":
        assert "Segmentation fault" in ends[1].details or "access violation" in ends[1].details
    assert capfd.readouterr() == ("", "")


def test_what_workers_write_never_comes_between_the_answers(capfd):
    _run(["print", "a"])
    assert capfd.readouterr() == ("", "")


def test_workers_that_cannot_start_end_the_run_with_a_sentence():
    with pytest.raises(LsguiError, match="the setup is no good: choose another one"):
        _run(["a"], plan=PoolPlan("pool_tasks:make", "refuse"))
    with pytest.raises(LsguiError, match=r"cannot start \(exit status 5"):
        _run(["a"], plan=PoolPlan("pool_tasks:make", "die"))


def test_each_worker_keeps_to_its_threads():
    _, ends = _run(["a"], plan=PoolPlan("pool_tasks:make", "limits", threads=3))
    assert ends[0].result == ("3", 3)


def test_no_more_workers_than_tasks_and_none_for_none():
    with WorkerPool(PLAN, 8) as pool:
        running = pool.run(["a"])
        next(running)
        assert len(pool.pids) == 1
        list(running)
        assert list(pool.run([])) == []


def test_leaving_early_ends_every_worker_at_once():
    begun = time.monotonic()
    pids = []

    def interrupted():
        with WorkerPool(PLAN, 2) as pool:
            for event in pool.run([60.0, 60.0]):
                pids[:] = pool.pids
                if isinstance(event, Told) and len(pids) == 2:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - begun < 50.0
    assert len(pids) == 2
    assert not any(_lives(pid) for pid in pids)


OWNER = """
import sys
from lsgui.inference.worker_pool import PoolPlan, WorkerPool
with WorkerPool(PoolPlan("pool_tasks:make", "usual"), 2) as pool:
    for event in pool.run([60.0, 60.0]):
        if len(pool.pids) == 2:
            print(*pool.pids, flush=True)
"""


def test_workers_do_not_outlive_an_owner_that_is_killed():
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner, owner.stdout:
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2
        owner.kill()
    deadline = time.monotonic() + 10.0
    while any(_lives(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_lives(pid) for pid in pids)


def _lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
