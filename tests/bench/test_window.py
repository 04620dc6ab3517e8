"""The part of the bench that measures the window: real windows in processes of their own, and what is made of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lsgui.bench import window
from lsgui.bench.parts import NotMeasurableError
from lsgui.bench.window import WindowFigures, clip_folder

STALL = {"seconds": 3.0, "longest_ms": 20.0, "over_50_ms": 0, "busiest_ms": 9.0}
REST = {"seconds": 3.0, "window_percent": 0.1, "worker_percent": None}


def play(longest_ms: float = 20.0, **changed: Any) -> dict[str, Any]:
    told = {"asked_fps": 60.0, "shown_fps": 59.8, "dropped": 0, "paint_ms": 9.0}
    return {**told, **changed, "stall": {**STALL, "longest_ms": longest_ms}}


@pytest.fixture
def figures() -> WindowFigures:
    told = {
        "platform": "offscreen",
        "refresh_hz": 60.0,
        "plays": {"evidence": play(24.0), "analysing": play(31.0), "exporting": play(44.0), "bare": play(paint_ms=6.0)},
        "stalls": {"decoding": {**STALL, "longest_ms": 61.0, "over_50_ms": 1}},
        "idles": {"verdict": {**REST, "worker_percent": 0.2}},
    }
    listed = {"stalls": {"listing": {**STALL, "longest_ms": 49.0}}, "idles": {"worklist": REST}}
    bare = {"asked_fps": 60.0, "shown_fps": 60.0, "paint_ms": 2.0, "longest_ms": 18.0, "idle_percent": 0.05}
    return WindowFigures(3.0, 0.8, 0.2, told, listed, 10_000, bare)


def test_the_contract_of_the_json_is_kept(figures: WindowFigures) -> None:
    told = json.loads(json.dumps(figures.as_json()))
    assert told["cold_start_s"] == 3.0
    assert (told["warm_start_s"], told["bare_start_s"]) == (0.8, 0.2)
    play = told["play"]
    wanted = {"asked_fps": 60.0, "shown_fps": 59.8, "dropped": 0, "max_stall_ms": 24.0}
    assert {name: play[name] for name in wanted} == wanted
    assert play["max_stall_during_inference_ms"] == 31.0
    assert play["max_stall_by_activity_ms"]["listing"] == 49.0
    assert play["stalls_over_50_ms"]["decoding"] == 1
    assert play["idle_cpu_percent"] == {"verdict": 0.1, "verdict_worker": 0.2, "worklist": 0.1}
    assert play["platform"] == "offscreen"
    assert play["bare_toolkit"]["shown_fps"] == 60.0


def test_every_target_is_said_as_met_or_not_beside_the_bare_window(figures: WindowFigures) -> None:
    rows = {row.name: row for row in figures.rows()}
    assert rows["Start to first painting"].met
    assert rows["Start to first painting"].reference == 0.2
    assert not rows["Longest gap, opening and decoding a clip"].met
    assert rows["Longest gap, listing 10,000 files"].met
    assert rows["Playing 60 frames/s, heat map and ribbon on"].met
    late = replace(figures, told={**figures.told, "plays": {**figures.told["plays"], "evidence": play(shown_fps=50.0)}})
    assert not next(row for row in late.rows() if row.name.startswith("Playing")).met


def test_without_a_listing_the_rest_is_told(figures: WindowFigures) -> None:
    assert "worklist" not in replace(figures, listed=None).idle_percent
    assert not any("listing" in row.name for row in replace(figures, listed=None).rows())


def test_real_windows_tell_when_they_were_painted(tmp_path: Path) -> None:
    bare = window._told(window._bare(0.2, 64, 48), tmp_path)["report"]
    assert bare["shown_fps"] > 0
    assert set(bare) == {"painted_at", "asked_fps", "shown_fps", "paint_ms", "longest_ms", "idle_percent"}
    assert 0.0 < window._started(window._lsgui("--timing=0"), tmp_path) < 60.0
    assert (tmp_path / "bytecode").is_dir(), "the next start finds the modules compiled"


def test_a_window_that_does_not_open_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "no_such_platform")
    with pytest.raises(NotMeasurableError, match=r"^window: the window did not do its errand \("):
        window._told(window._lsgui("--timing=0"), tmp_path)


def test_a_long_folder_is_one_clip_on_the_disk(tmp_path: Path) -> None:
    made = sorted(clip_folder(tmp_path / "many", 3).iterdir())
    assert [path.name for path in made] == ["clip-00000.avi", "clip-00001.avi", "clip-00002.avi"]
    assert len({path.read_bytes() for path in made}) == 1
