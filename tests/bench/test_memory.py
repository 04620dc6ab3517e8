"""What the part on memory says: of a process, of a window in a process of its own, and of growth."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lsgui.bench.growth import growth_of
from lsgui.bench.memory import FRAMES, figures_of, small_clips, window_notes
from lsgui.bench.parts import NotMeasurableError
from lsgui.bench.process_memory import children_of, memory_of

SIZE = (FRAMES, 640, 480)


def test_a_process_is_told_what_it_holds():
    before = memory_of()
    kept = np.ones(60_000_000, dtype=np.uint8)
    with Path(__file__).open("rb"):
        after = memory_of()
    assert after.own - before.own == pytest.approx(60.0, abs=6.0)
    assert after.resident - before.resident == pytest.approx(60.0, abs=6.0)
    assert after.resident >= after.own
    assert after.files == before.files + 1
    assert after.highest is None or after.highest >= before.resident
    del kept
    assert memory_of().own < after.own - 50.0
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait)
    thread.start()
    assert memory_of().threads == before.threads + 1
    waiting.set()
    thread.join()


def test_children_are_found_and_one_that_has_ended_is_one_sentence():
    command = [sys.executable, "-c", "input(1)"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.read(1) == b"1", "it is up"
    assert child.pid in children_of(os.getpid())
    assert memory_of(child.pid).resident > 1.0
    child.communicate(b"\n")
    assert child.pid not in children_of(os.getpid())
    with pytest.raises(NotMeasurableError, match=f"process {child.pid} cannot be looked at"):
        memory_of(child.pid)


@pytest.mark.parametrize("slope", [0.0, 0.4, -0.2])
def test_growth_is_the_slope_whatever_the_first_rounds_and_one_step_do(slope):
    noise = np.random.default_rng(5).normal(0.0, 0.3, 60)
    held = 200.0 + slope * np.arange(60) + noise
    held[:6] -= 40.0  # caches fill
    held[40:] += 2.0  # one step is no growth
    growth = growth_of(held.tolist(), skipped=6)
    assert growth is not None
    assert growth.rounds == 54
    assert growth.mb_per_round == pytest.approx(slope, abs=0.06)
    assert 0.2 < growth.noise_mb < 1.5
    assert growth.last_mb - growth.first_mb == pytest.approx(slope * 49 + 2.0, abs=0.6)
    assert growth_of(held[:9].tolist(), skipped=6) is None


def note(moment, window, worker, number=0):
    held = {"own": 1.0, "threads": 3, "files": 9}
    return {
        "moment": moment,
        "round": number,
        "window": {"resident": window, "highest": window + 11.0, **held},
        "readers": 90.0 if moment == "idle" else 120.0,
        "worker": None if worker is None else {"resident": worker, "highest": worker + 22.0, **held},
    }


def notes_of(worker=600.0):
    moments = [("idle", 165.0), ("loaded", 470.0), ("analysed", 490.0), ("played", 480.0), ("closed", 190.0)]
    notes = [note(moment, held, worker) for moment, held in moments]
    rounds = [note("round", 190.0 + 0.5 * k, None if worker is None else worker + 1.0, k) for k in range(20)]
    return notes + rounds


def test_figures_are_those_of_the_notes_and_the_highest_counts():
    figures = figures_of(notes_of(), SIZE, 61.0, 900.0)
    said = figures.as_json()["memory_mb"]
    assert (said["idle"], said["clip_900_frames"], said["after_closing"]) == (165.0, 490.0, 190.0)
    assert said["frames_size"] == pytest.approx(276.48)
    assert said["clip_over_frames"] == pytest.approx(490.0 - 276.48)
    assert said["clip_900_frames_highest"] == 491.0
    assert (said["worker_idle"], said["worker_after_analysis"], said["worker_highest"]) == (600.0, 600.0, 622.0)
    assert said["growth_window"]["mb_per_round"] == pytest.approx(0.5)
    assert (said["readers_idle"], said["readers_with_clip"]) == (90.0, 120.0)
    assert said["growth_worker"]["mb_per_round"] == pytest.approx(0.0)
    rows = {row.name: row for row in figures.rows()}
    assert rows["Window, idle"].met
    assert rows["Window, idle"].reference == 61.0
    clip = rows["Window, 900 frames, with verdict and maps"]
    assert clip.target is not None
    assert clip.target.value == pytest.approx(576.48)
    assert clip.met


def test_a_shorter_clip_is_not_said_to_have_900_frames_and_no_worker_is_null():
    figures = figures_of(notes_of(worker=None), (60, 160, 120), 61.0, 900.0)
    said = figures.as_json()["memory_mb"]
    assert said["clip_900_frames"] is None
    assert said["worker_idle"] is None
    assert said["growth_worker"] is None
    assert all("900" not in row.name for row in figures.rows())


def test_the_window_notes_what_it_holds_from_clip_to_clip(tmp_path):
    small = small_clips(tmp_path / "small", 2)
    assert len({path.read_bytes() for path in small}) == 2
    notes = list(window_notes(tmp_path, small[0], 1, small))
    assert [told["moment"] for told in notes] == ["idle", "loaded", "analysed", "played", "closed", "round"]
    assert all(told["worker"]["resident"] > told["window"]["resident"] > 20.0 for told in notes)
    assert all(told["worker"]["resident"] > told["readers"] > 10.0 for told in notes)
    assert notes[2]["label"] in ("ls_p", "ls_a", "cannot_assess")
    assert notes[-1]["widgets"] <= notes[2]["widgets"]


def test_a_window_that_does_not_open_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "nonsense")
    with pytest.raises(NotMeasurableError, match=r"^memory: the window did not do its errand \(.+\)\.$") as caught:
        list(window_notes(tmp_path, None, 0, ()))
    assert "\n" not in str(caught.value)
