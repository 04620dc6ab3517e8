"""A researcher runs `lsgui predict` over every real clip: each line holds the contract, word for word."""

import json
import math

import pytest

from lsgui.cli.main import run
from lsgui.core.prediction import QualityFlag
from lsgui.models.card import find_cards

KEYS = [
    "clip",
    "label",
    "p_absent",
    "p_absent_interval",
    "threshold",
    "model",
    "motion_index",
    "roi",
    "windows",
    "segments",
    "quality",
    "device",
    "seconds",
]
REASONS = {
    "no_pleura",
    "frozen",
    "too_short",
    "tracking_lost",
    "probe_motion",
    "pulse_only",
    "duplicate_frames",
    "models_disagree",
    "mixed_classes",
    "uncertain_line",
}


def _is_probability(value):
    return isinstance(value, float | int) and not isinstance(value, bool) and 0.0 <= value <= 1.0


def check_line(said, frames, width, height):
    """Assert that one answer is exactly of the contract's form, and that its parts agree with one another."""
    assert list(said) == KEYS
    assert said["label"] in ("ls_a", "ls_p", "cannot_assess")
    assert _is_probability(said["threshold"])
    assert set(said["quality"]) <= {flag.value for flag in QualityFlag}
    assert len(set(said["quality"])) == len(said["quality"])
    card = find_cards()[said["model"]["id"]]
    assert said["model"] == {"id": card.id, "version": card.version, "sha256": card.sha256}
    assert said["device"] in ("cpu", "cuda")
    assert set(said["seconds"]) == {"read", "roi", "inference"}
    assert all(math.isfinite(value) and value >= 0.0 for value in said["seconds"].values())
    assert said["motion_index"] is None or _is_probability(said["motion_index"])
    _check_places(said, frames, width, height)
    _check_verdict(said, card)


def _check_places(said, frames, width, height):
    if said["roi"] is None:
        assert "no_pleura" in said["quality"]
    else:
        assert set(said["roi"]) - {"keyframes"} == {"frame", "polyline", "source"}
        assert said["roi"]["source"] in ("file", "auto")
        assert 0 <= said["roi"]["frame"] < frames
        lines = [said["roi"]["polyline"], *said["roi"].get("keyframes", {}).values()]
        for x, y in (point for line in lines for point in line):
            assert -1 <= x <= width
            assert -1 <= y <= height
    starts = [window["start"] for window in said["windows"]]
    assert starts == sorted(set(starts))
    for window in said["windows"]:
        assert set(window) == {"start", "stop", "p_absent"}
        assert 0 <= window["start"] < window["stop"] <= frames
        assert _is_probability(window["p_absent"])
    for segment in said["segments"]:
        assert set(segment) == {"from", "to", "p_absent"}
        assert 0.0 <= segment["from"] < segment["to"] <= 1.0
        assert _is_probability(segment["p_absent"])
    rights = [segment["to"] for segment in said["segments"]]
    lefts = [segment["from"] for segment in said["segments"]]
    assert all(left >= right for left, right in zip(lefts[1:], rights, strict=False)), "segments do not overlap"


def _check_verdict(said, card):
    p, interval = said["p_absent"], said["p_absent_interval"]
    assert (p is None) == (interval is None)
    if p is None:
        assert said["label"] == "cannot_assess"
        assert set(said["quality"]) & REASONS, "where nothing was scored, quality says why"
        assert not said["windows"]
        return
    assert _is_probability(p)
    low, high = interval
    assert 0.0 <= low <= p <= high <= 1.0
    assert said["windows"]
    assert said["segments"]
    if said["label"] == "ls_a":
        assert p >= said["threshold"]
    elif said["label"] == "ls_p":
        assert p < said["threshold"]
    else:
        in_band = card.abstain[0] - 1e-3 <= p <= card.abstain[1] + 1e-3
        assert in_band or set(said["quality"]) & REASONS, "cannot assess has a reason"


def _predict(capsys, *arguments, status=0):
    assert run(["predict", *map(str, arguments), "--json", "-"]) == status
    out, err = capsys.readouterr()
    answers = [json.loads(line) for line in out.splitlines()]
    assert err.splitlines() == [f"lsgui: {said['error']}" for said in answers if "error" in said]
    return answers


@pytest.fixture(scope="module")
def manifest(shared_clips):
    """Frames, width and height by clip name."""
    import csv

    with (shared_clips / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["file"]: (int(row["frames"]), int(row["width"]), int(row["height"])) for row in rows}


def test_every_clip_answers_and_an_unreadable_one_does_not_stop_the_rest(shared_clips, manifest, tmp_path, capsys):
    broken = tmp_path / "broken.mpeg"
    broken.write_bytes((shared_clips / "Reg_pat1Image_132943.mpeg").read_bytes()[:40])
    said = _predict(capsys, broken, shared_clips, "--model", "motion", "--roi", shared_clips / "pleura.json", status=2)
    assert set(said[0]) == {"clip", "error"}
    assert said[0]["clip"] == "broken.mpeg"
    names = [line["clip"] for line in said[1:]]
    assert sorted(names) == sorted(manifest)
    for line in said[1:]:
        check_line(line, *manifest[line["clip"]])
    drawn = json.loads((shared_clips / "pleura.json").read_text(encoding="utf-8"))
    for line in said[1:]:
        if drawn[line["clip"]]["polyline"]:
            assert line["roi"]["source"] == "file"
            assert line["roi"]["polyline"]
    by_name = {line["clip"]: line for line in said[1:]}
    assert by_name["Reg_Image_181206_crop.mp4"]["label"] == "cannot_assess", "a clip without a clear pleura"
    assert "duplicate_frames" in by_name["Vir_prospective_file1.mp4"]["quality"]


@pytest.mark.parametrize("model", sorted(find_cards()))
def test_every_shipped_model_answers_on_the_lumify_clip_and_those_of_real_texture_as_its_experts(
    shared_clips, manifest, capsys, model
):
    (line,) = _predict(capsys, shared_clips / "tuke_lumify_l12.mp4", "--model", model)
    check_line(line, *manifest[line["clip"]])
    assert line["roi"]["source"] == "auto"
    assert line["model"]["id"] == model
    if model in ("cmwru-strip", "motion"):  # the others have seen simulated texture only, and their cards say so
        assert line["label"] == "ls_p"


def test_the_same_clip_gives_the_same_answer_twice(shared_clips, capsys):
    clip = shared_clips / "Vir_whitelung_h1n1.mp4"
    first, second = _predict(capsys, clip, clip, "--roi", shared_clips / "pleura.json")
    for line in (first, second):
        del line["seconds"]
    assert first == second
