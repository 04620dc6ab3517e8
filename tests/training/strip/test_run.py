import sys
from pathlib import Path

import pytest
from still_clips import write_clips

from lsgui.core.errors import DatasetError
from lsgui.models.card import ModelCard, read_card
from lsgui.training.faults import TrainingError
from lsgui.training.strip import run as strip_run
from lsgui.training.strip.recipe import StripRecipe
from lsgui.training.strip.run import StripRun

SMALL = StripRecipe(steps=1, batch=2, width=1, simulated_share=0, h264_odds=0)


def train(data: Path, out: Path, recipe: StripRecipe = SMALL, resume: bool = False, measure: bool = False) -> ModelCard:
    return StripRun(data, None, out, recipe, "cpu", resume).execute(measure)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = ["a,ls_p,one,real,0,", "a,ls_p,one,real,10,", "sub/b,ls_p,,real,0,", "c,ls_a,all,real,0,"]
    return write_clips(tmp_path_factory.mktemp("data") / "clips", [*rows, "d,ls_a,one,edited,0,"])


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(*_: object) -> None:
        raise AssertionError("it was trained")

    monkeypatch.setattr(strip_run, "train_strip_network", trained)


def test_a_finished_run_is_not_gone_on_with_on_other_data_or_with_other_settings(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    card = train(clips, out)
    assert card.command == "lsgui train --data CLIPS --model cmwru-strip --out RUN" + "".join(
        f" --set {name}={value}" for name, value in SMALL.changed.items()
    )
    assert card.trained_on.startswith(
        "3 sliding clips of 2 patients, edits of them, 1 absent clip of 1 patient, 1 edit"
    )
    assert train(clips, out, resume=True).sha256 == card.sha256
    others = write_clips(tmp_path / "other clips", ["a,ls_p,one,real,0,", "b,ls_p,two,real,0,"])
    with pytest.raises(TrainingError, match="is of a run on other clips: give the same data"):
        train(others, out, resume=True)
    with pytest.raises(TrainingError, match="is of a run with width=1, not 2: give the same"):
        train(clips, out, SMALL.with_setting("width", "2"), resume=True)
    assert read_card(out) == card
    assert train(others, out).sha256 != card.sha256


@pytest.mark.parametrize(
    ("rows", "measure", "words"),
    [
        (["a,ls_p,one,real,0,", "b,ls_p,one,real,0,"], True, r"of two patients are needed .* there are those of 1"),
        (["a,ls_p,one,real,0,", "b,ls_p,two,simulated,0,"], True, r"there are those of 1"),
        (["a,ls_p,one,simulated,0,"], True, "there are those of 0"),
        (["a,ls_a,one,real,0,"], False, r"there is no sliding clip \(ls_p\)"),
        (["a,ls_p,one,real,0,", "b,ls_p,two,real,29,"], True, r"there are those of 1"),
        (["a,ls_p,one,real,29,"], False, "frames 29 to 30 are not a clip"),
    ],
)
def test_data_that_will_not_do_are_refused_before_training(
    rows: list[str],
    measure: bool,
    words: str,
    tmp_path: Path,
    no_training: None,
    request: pytest.FixtureRequest,
) -> None:
    if len(rows) > 1 and rows[1].endswith("29,"):
        request.getfixturevalue("expected_log_warnings")
    with pytest.raises(DatasetError, match=words):
        train(write_clips(tmp_path / "clips", rows), tmp_path / "out", measure=measure)


def test_without_an_encoder_a_run_says_what_to_install_before_anything_is_made(
    clips: Path, tmp_path: Path, no_training: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(TrainingError, match="set h264_odds=0"):
        train(clips, tmp_path / "out", SMALL.with_setting("h264_odds", "0.2"))
    assert not (tmp_path / "out").exists()


def test_a_clip_that_cannot_be_used_is_left_out_and_told(tmp_path: Path, expected_log_warnings: list) -> None:
    data = write_clips(tmp_path / "clips", ["a,ls_p,one,real,0,", "b,ls_p,two,real,29,", "c,ls_p,three,real,0,"])
    card = train(data, tmp_path / "out")
    assert card.trained_on == "2 sliding clips of 2 patients, edits of them"
    (said,) = [record.getMessage() for record in expected_log_warnings]
    assert said.startswith("left out: b: frames 29 to 30 are not a clip")
