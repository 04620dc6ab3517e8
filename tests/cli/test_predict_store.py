"""`lsgui predict --store`: verdicts for the worklist, kept beside the labels and never among them."""

import shutil
from pathlib import Path

import pytest

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.cli.main import run

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"


def test_verdicts_go_to_the_store_and_the_next_ones_after_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, clip = tmp_path / "study.sqlite", tmp_path / "clip.mp4"
    shutil.copy(DEMO / "sliding.mp4", clip)
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    asked = ["predict", str(clip), "--model", "motion", "--store", str(store), "--json", "-"]
    assert run([*asked, str(tmp_path / "broken.mp4")]) == 2, "the clip that cannot be read"
    said = capsys.readouterr().out
    digest = content_hash(clip)
    clip.rename(tmp_path / "moved.mp4")
    with AnnotationStore(store) as opened:
        assert opened.history() == (), "a verdict is no label"
        (verdict,) = opened.all_verdicts()
        facts = opened.clips()
    assert (verdict.content_hash, verdict.file_name, verdict.model_id) == (digest, "clip.mp4", "motion")
    assert f'"label": "{verdict.label.value}"' in said
    assert verdict.p_absent is not None
    assert f'"p_absent": {round(verdict.p_absent, 4)}' in said
    assert 0.0 <= verdict.uncertainty <= 1.0
    assert list(facts) == [digest]
    assert facts[digest].frames > 1
    assert run(["predict", str(tmp_path / "moved.mp4"), *asked[2:]]) == 0
    with AnnotationStore(store) as opened:
        assert [one.file_name for one in opened.all_verdicts()] == ["clip.mp4", "moved.mp4"]
        assert list(opened.verdicts()) == [digest]
        assert len(opened.clips()) == 1


def test_a_store_that_cannot_be_used_is_said_before_anything_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.sqlite").write_text("something else")
    asked = ["predict", str(DEMO / "sliding.mp4"), "--model", "motion", "--store", str(tmp_path / "study.sqlite")]
    assert run(asked) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "lsgui: study.sqlite: the annotation store is damaged and was left as it is: put a backup copy in its place.\n"
    )
