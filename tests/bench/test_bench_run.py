"""The bench as a whole: each part by itself, none takes the rest along, and everything is cleared away."""

import os
import time
from pathlib import Path

import psutil
import pytest

from lsgui.bench import part_process
from lsgui.bench.part_process import PartResult, run_part
from lsgui.bench.parts import PARTS, Part, chosen_parts, load_measure
from lsgui.bench.rows import Area
from lsgui.bench.run import CONTRACT, BenchReport, lay_into, run_bench
from lsgui.core.errors import LsguiError

HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH", "")])))


def _part(function):
    return Part(function, Area.FLOW, "a sample", 1.0, by=f"sample_parts:{function}")


def _run(function, **more):
    told = []
    result = run_part(_part(function), quick=True, tell=lambda *words: told.append(words), **more)
    return result, told


def test_a_part_is_measured_in_a_process_of_its_own(capfd):
    result, told = _run("good")
    assert result.data == {"flow": {"dis_ms": 7.0}}
    assert [row.name for row in result.rows] == ["a figure"]
    assert (result.reason, result.fault) == ("", False)
    assert told == [("halfway", 0.5)]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("function", "sentence", "fault"),
    [
        ("crash", r"crash: the part ended unexpectedly \(exit status .*\)\.", True),
        ("raises", r"raises: a fault of the program \(ValueError: no such thing\)\.", True),
        ("refuses", r"refuses: the sample clip cannot be written\.", False),
        ("needs", r"needs: nothing_here is not installed, and this part needs it\.", False),
        ("not_here", r"not_here: a fault of the program \(AttributeError: .*\)\.", True),
    ],
)
def test_a_part_that_fails_says_one_sentence(function, sentence, fault, capfd):
    import re

    result, _ = _run(function)
    assert re.fullmatch(sentence, result.reason)
    assert result.fault is fault
    assert result.data == {}
    assert capfd.readouterr() == ("", "")
    if function in ("crash", "raises"):
        assert "sample_parts.py" in result.details, "the log can say where"


def test_a_part_of_another_installation_is_not_measured():
    part = Part("gone", Area.FLOW, "a sample", 1.0)
    assert part_process.measured(part, True, lambda *_: None).reason == "gone: this installation has no such part."


def _all_gone(pids):
    deadline = time.monotonic() + 10.0
    while any(map(_lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(_lives, pids))


def _lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("how", ["late", "interrupted"])
def test_a_part_that_is_stopped_leaves_nothing(how, monkeypatch):
    monkeypatch.setattr(part_process, "_END_WAIT_S", 0.3)
    told = []

    def tell(words, _fraction):
        told.append(words)
        if how == "interrupted":
            raise KeyboardInterrupt

    if how == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            run_part(_part("sleeps"), quick=True, tell=tell)
    else:
        result = run_part(_part("sleeps"), quick=True, tell=tell, longest_s=4.0)
        assert result.reason == "sleeps: the part did not end in time and was stopped."
    grandchild, child, folder = told[0].split(" ", 2)
    assert _all_gone([int(grandchild), int(child)])
    assert not Path(folder).exists()


def test_the_run_goes_on_after_a_part_that_fails(monkeypatch):
    told = []
    report = run_bench([_part("raises"), _part("good")], quick=False, tell=lambda *words: told.append(words))
    assert [result.fault for result in report.results] == [True, False]
    said = report.as_json()
    assert said["flow"] == {"dis_ms": 8.0, "raft_s": None, "dis_epe_px": None, "raft_epe_px": None}
    assert list(said["not_measured"]) == ["raises"]
    assert [row["name"] for row in said["rows"]] == ["a figure"]
    assert told == [(0, "a sample", 0.0), (1, "a sample", 0.0), (1, "halfway", 0.5)]


def test_the_keys_of_the_contract_are_there_whatever_was_measured():
    said = BenchReport((PartResult("x"),), quick=False, seconds=0.0).as_json()
    assert {name: said[name] for name in CONTRACT} == CONTRACT
    assert set(said["play"]) == {"asked_fps", "shown_fps", "dropped", "max_stall_ms", "max_stall_during_inference_ms"}
    assert set(said["memory_mb"]) == {"idle", "clip_900_frames"}


def test_two_parts_may_fill_one_object_but_never_one_value():
    whole = {"flow": {"dis_ms": None, "raft_s": None}}
    lay_into(whole, {"flow": {"dis_ms": 1.0}})
    lay_into(whole, {"flow": {"raft_s": 2.0, "more": 3.0}, "new": {"a": 1}})
    assert whole == {"flow": {"dis_ms": 1.0, "raft_s": 2.0, "more": 3.0}, "new": {"a": 1}}
    with pytest.raises(ValueError, match="two parts of the bench measured dis_ms"):
        lay_into(whole, {"flow": {"dis_ms": 9.0}})


def test_parts_are_chosen_by_name_in_the_order_of_the_table():
    assert [part.name for part in chosen_parts(["memory", "machine"])] == ["machine", "memory"]
    assert chosen_parts([]) == PARTS
    with pytest.raises(LsguiError, match="There is no part 'speed' of the bench: choose among machine, "):
        chosen_parts(["speed"])


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_part_is_there(part):
    assert callable(load_measure(part))
