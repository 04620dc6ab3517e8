"""Someone gives the program what it should not judge: "cannot assess" with the reason, line or no line."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from lsgui.cli.main import run
from lsgui.core.prediction import QualityFlag
from lsgui.readers.base import open_clip
from lsgui.simulation import other_pictures as pictures

PACKAGING = Path(__file__).parents[2] / "packaging"
HEART = {"frame": 0, "polyline": [[100, 160], [150, 168], [200, 160]]}
"""A line along the bright far wall of a recorded heart, 320 x 240 pixels."""


@pytest.fixture
def heart() -> Path:
    file = get_testdata_file("examples_ybr_color.dcm", download=False)
    assert isinstance(file, str)
    return Path(file)


def predicted(capsys: Any, *arguments: object) -> dict[str, Any]:
    assert run(["predict", *map(str, arguments), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return dict(json.loads(out))


@pytest.mark.parametrize("model", ["cmwru-strip", "motion"])
def test_a_line_drawn_on_a_heart_gets_no_verdict_and_no_number(
    heart: Path, model: str, tmp_path: Path, capsys: Any
) -> None:
    line = tmp_path / "line.json"
    line.write_text(json.dumps(HEART), encoding="utf-8")
    said = predicted(capsys, heart, "--model", model, "--roi", line)
    assert said["label"] == "cannot_assess"
    assert "not_lung" in said["quality"]
    assert said["roi"]["source"] == "file"
    assert [said[key] for key in ("p_absent", "p_absent_interval", "motion_index")] == [None, None, None]
    assert said["windows"] == said["segments"] == []


def test_no_line_is_looked_for_on_a_heart(heart: Path, capsys: Any) -> None:
    said = predicted(capsys, heart, "--model", "motion")
    assert said["roi"] is None
    assert {"not_lung", "no_pleura"} <= set(said["quality"])
    assert run(["info", str(heart), "--json"]) == 0
    assert "not_lung" in json.loads(capsys.readouterr().out)["quality"]


def test_colour_flow_on_a_real_lung_is_not_judged_though_its_line_is_drawn(
    shared_clips: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(PACKAGING))
    import misuse_cases

    entry = json.loads((shared_clips / "pleura.json").read_text(encoding="utf-8"))["Reg_pat1Image_133327.mpeg"]
    line = tmp_path / "line.json"
    line.write_text(json.dumps({"frame": 0, "polyline": entry["polyline"]}), encoding="utf-8")
    grey = open_clip(shared_clips / "Reg_pat1Image_133327.mpeg").stack(0, 100)
    path = tmp_path / "flow.mp4"
    misuse_cases.write_colour(path, np.repeat(grey[..., None], 3, axis=3), 25.0)
    assert "not_lung" not in predicted(capsys, path, "--model", "motion", "--roi", line)["quality"]
    flow = pictures.colour_flow(grey, np.random.default_rng(1), (120, 80, 140, 120))
    misuse_cases.write_colour(path, flow, 25.0)
    said = predicted(capsys, path, "--model", "motion", "--roi", line)
    assert said["label"] == "cannot_assess"
    assert "not_lung" in said["quality"]
    sys.modules.pop("misuse_cases", None)


def test_the_sentence_says_what_to_check_and_judges_nobody() -> None:
    said = QualityFlag.NOT_LUNG.sentence
    assert "check organ, mode and orientation" in said
