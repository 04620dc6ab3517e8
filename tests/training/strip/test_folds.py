import re
from pathlib import Path

import pytest

from lsgui.training.clips.checkpointing import save_state
from lsgui.training.faults import TrainingError
from lsgui.training.strip.folds import FoldFiles, fold_names, identity_of
from lsgui.training.strip.recipe import StripRecipe
from lsgui.training.strip.windows import StripSource

RECIPE = StripRecipe()


def test_every_patient_has_a_fold_of_its_own_that_a_file_can_be_named_after() -> None:
    patients = [
        "tuke",
        "usj-177-alines",
        "sub/c0",
        "sub/c1",
        "sub\\c0",
        "all",
        "ALL",
        "simulated",
        "P1",
        "p1",
        "..",
        "",
    ]
    names = fold_names(patients)
    assert [names["tuke"], names["usj-177-alines"], names["P1"]] == ["tuke", "usj-177-alines", "P1"]
    assert list(names) == patients
    assert len({name.casefold() for name in names.values()} | {"all", "simulated"}) == len(patients) + 2
    assert all(re.fullmatch(r"[\w+-]+", name, re.ASCII) for name in names.values())
    assert fold_names(patients) == names


def test_a_checkpoint_is_this_runs_or_refused(simulated: list[StripSource], tmp_path: Path) -> None:
    run = FoldFiles(tmp_path, identity_of(RECIPE, simulated[:2]))
    save_state(run.checkpoint("tuke"), {"identity": dict(run.identity)})
    run.check()
    oftener = RECIPE.with_setting("checkpoint_every", "7")
    FoldFiles(tmp_path, identity_of(oftener, simulated[:2])).check()
    others = {
        "on other clips": identity_of(RECIPE, simulated[1:3]),
        "with width=16, not 8": identity_of(RECIPE.with_setting("width", "8"), simulated[:2]),
    }
    for words, identity in others.items():
        with pytest.raises(TrainingError, match=rf"checkpoint_tuke\.pt is of a run {words}: .* without --resume\.$"):
            FoldFiles(tmp_path, identity).check()
    save_state(run.checkpoint("tuke"), {"step": 3})
    with pytest.raises(TrainingError, match="earlier version: start anew"):
        run.check()
    run.begin_anew()
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_nothing_to_go_on_from_it_is_said(
    tmp_path: Path, expected_log_warnings: list, simulated: list[StripSource]
) -> None:
    FoldFiles(tmp_path, identity_of(RECIPE, simulated[:1])).check()
    assert [record.getMessage() for record in expected_log_warnings] == [
        f"{tmp_path}: there is no checkpoint to go on from: training begins anew."
    ]
