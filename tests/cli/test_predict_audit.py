"""`lsgui predict` enters each verdict in the audit log, and never loses an answer to it."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lsgui.annotation.audit_entries import AuditEntry
from lsgui.annotation.audit_log import AuditLog
from lsgui.annotation.content_hash import content_hash
from lsgui.cli.main import run
from lsgui.review.paths import audit_file

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip whose names tell who it is."""
    folder = tmp_path / "Marquardt Ilse"
    folder.mkdir()
    path = folder / "Marquardt 1957.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (160, 120))
    noise = np.random.default_rng(1)
    for _ in range(40):
        picture = noise.integers(20, 60, (120, 160), dtype=np.uint8)
        picture[58:62] = 230
        writer.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def _entries() -> list[AuditEntry]:
    with AuditLog(audit_file(), reading=True) as log:
        assert log.verify().faults == ()
        return list(log.entries())


def _predict(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    status = run(["predict", *arguments, "--model", "motion", "--json", "-"])
    out, err = capsys.readouterr()
    return status, json.loads(out.splitlines()[0]), err


def test_each_verdict_is_entered_with_all_that_it_rests_on_and_no_name(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roi = clip.with_suffix(".json")
    roi.write_text('{"frame": 0, "polyline": [[20, 60], [140, 60]]}', "utf-8")
    status, said, _err = _predict(capsys, str(clip), "--roi", str(roi))
    assert status == 0
    (entry,) = _entries()
    assert entry.kind == "verdict"
    assert entry.facts["clip"] == content_hash(clip)
    assert entry.facts["by"] == "predict"
    for name in ("label", "p_absent", "p_absent_interval", "threshold", "model", "motion_index", "quality", "device"):
        assert entry.facts[name] == said[name]
    assert entry.facts["line"]["source"] == "file"
    for file in audit_file().parent.iterdir():
        assert b"Marquardt" not in file.read_bytes()
    assert run(["audit", "list", "--clip", str(clip), "--last", "1"]) == 0
    line = capsys.readouterr().out
    assert content_hash(clip)[:12] in line
    assert f"{said['label']} p {said['p_absent']} threshold 0.5" in line
    assert run(["audit", "list", "--clip", str(DEMO / "sliding.mp4")]) == 0
    assert capsys.readouterr().out == ""


def test_a_clip_without_an_answer_is_not_entered_and_a_resumed_answer_not_twice(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clip.parent / "broken.mp4").write_bytes(b"nothing")
    asked = ["predict", str(clip.parent), "--model", "motion", "--json", str(tmp_path / "said.jsonl"), "--resume"]
    assert run([*asked, "--jobs", "1"]) == 2
    assert len(_entries()) == 1
    assert run([*asked, "--jobs", "1"]) == 2
    assert len(_entries()) == 1, "the answer of the former run is no new verdict"
    assert "audit" not in capsys.readouterr().err


def test_a_log_that_cannot_be_written_costs_a_warning_and_no_answer(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    label = _predict(capsys, str(clip))[1]["label"]
    audit_file().write_bytes(b"SQLite format 3\x00" + b"\x07" * 4000)
    status, said, err = _predict(capsys, str(clip))
    assert (status, said["label"]) == (0, label)
    assert err == (
        "lsgui: warning: 1 verdict is not in the audit log. "
        "audit.sqlite: the audit log is damaged and was left as it is: put a backup copy in its place.\n"
    )
    nowhere = tmp_path / "no folder"
    nowhere.write_text("a file where the home should be")
    monkeypatch.setenv("LSGUI_HOME", str(nowhere))
    status, said, err = _predict(capsys, str(clip))
    assert (status, said["label"]) == (0, label)
    assert err == (
        "lsgui: warning: 1 verdict is not in the audit log. "
        "The folder of the audit log cannot be made (Not a directory): check who may write there.\n"
    )


def test_the_help_says_that_a_log_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "--help"]) == 0
    assert "audit log" in " ".join(capsys.readouterr().out.split())
