"""The drill of hard faults, each in a process of its own with the real window: none loses a label, each is said."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
LINUX, POSIX = sys.platform == "linux", sys.platform != "win32"
FAULTS = {
    "worker_killed_while_analysing": "ended unexpectedly",
    "gpu_lost": "The GPU failed",
    "store_deleted": "is gone",
    "store_deleted_and_put_back": "is gone",
    "store_locked": "another program is writing",
    "store_replaced": "was replaced",
    "store_damaged": "damaged",
    "clip_gone_while_it_plays": "not there",
    "clip_gone_while_it_is_decoded": "cannot be read",
    "clock_set_back": "what was said last stands",
    "second_window": "each shows the other's labels",
    "screens_change": "the screen that there is",
    "drive_pulled_while_playing": "not there",
    "closed_while_decoding": "it closed",
    "closed_while_analysing": "it closed",
    "closed_while_exporting": "it closed",
    "closed_while_dialogs_are_open": "it closed",
    "closed_while_typing_a_comment": "it closed",
}
if POSIX:
    FAULTS |= {
        "store_write_protected": "write-protected",
        "disk_full_while_labels_are_saved": "disk",
        "disk_full_while_exporting": "",
        "sleep_and_resume": "it goes on where it stood",
    }
if LINUX:
    FAULTS["worker_out_of_memory"] = "not enough memory"


@pytest.fixture
def drill(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(PACKAGING))
    yield importlib.import_module("fault_drill")
    for name in [name for name in sys.modules if name.startswith("fault_")]:
        sys.modules.pop(name)


@pytest.mark.parametrize(("name", "said"), FAULTS.items(), ids=FAULTS)
def test_a_fault_loses_no_label_and_is_said(drill: Any, name: str, said: str) -> None:
    outcome = drill.drill(name, nap_s=2.5)
    assert outcome.kept, outcome.broken
    assert said in outcome.said


@pytest.mark.parametrize("name", ["disk_full_while_labels_are_saved", "disk_full_while_exporting"] * POSIX)
def test_a_full_disk_is_drilled_where_none_can_be_mounted_too(drill: Any, name: str) -> None:
    outcome = drill.drill(name, mounted=False)
    assert outcome.kept, outcome.broken


def test_a_promise_that_is_broken_is_told(drill: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = importlib.import_module("fault_scene")
    lost = scene.Scene.__new__(scene.Scene)
    lost.store, lost.hashes, lost.said = tmp_path / "x.sqlite", ["a" * 64], {0: "ls_p"}
    assert lost.lost() == ["clip 0: ls_p"]
    with scene.AnnotationStore(lost.store) as store:
        store.save_reading("a" * 64, "clip 0.avi", scene.RATER, "ls_a")
    assert lost.lost() == ["clip 0: ls_p"]
    with scene.AnnotationStore(lost.store) as store:
        store.save_reading("a" * 64, "clip 0.avi", scene.RATER, "ls_p")
    assert lost.lost() == []
    assert scene.is_one_sentence("The disk is full.")
    assert not scene.is_one_sentence("Traceback: x.")
