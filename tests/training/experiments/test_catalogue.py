"""The table of experiments holds the paper's numbers, and settings make of it what is trained."""

import pytest

from lsgui.core.errors import ModelError
from lsgui.training.experiments.catalogue import EXPERIMENTS, find_experiments
from lsgui.training.experiments.plan import choose_trials, plan_trials

TABLE_II = {0.4: (0.32, 0.944), 0.5: (0.40, 0.794), 0.6: (0.76, 0.710), 0.7: (1.00, 0.037)}
TABLE_III = {0.1: (0.76, 0.710), 0.4: (1.00, 0.701), 0.5: (0.68, 0.720), 0.8: (0.64, 0.738)}
TABLE_I = {"accuracy": 0.3387, "precision": 0.1864, "recall": 0.7756, "f1": 0.3006, "specificity": 0.2407}
TABLE_V = {"accuracy": 0.670, "precision": 0.356, "recall": 0.800, "f1": 0.492, "specificity": 0.6375}


def _two(name: str, setting: str) -> dict[float, tuple[float, float]]:
    return {
        variant.changes[setting]: (variant.paper["recall"], variant.paper["specificity"])
        for variant in EXPERIMENTS[name].variants
    }


def test_the_tables_are_the_papers() -> None:
    assert _two("dropout", "dropout") == TABLE_II
    assert _two("gradient-clipping", "clip_value") == TABLE_III
    assert dict(EXPERIMENTS["whole-set"].variants[0].paper) == TABLE_I
    assert dict(EXPERIMENTS["final"].variants[0].paper) == TABLE_V


def test_the_figures_vary_what_the_papers_vary() -> None:
    varied = {name: [v.changes[e.varied] for v in e.variants] for name, e in EXPERIMENTS.items() if e.varied}
    assert varied["frames"] == [34, 45, 60]
    assert varied["flow-step"] == [1, 2, 3]
    assert varied["gamma"] == [2, 3]


def test_the_papers_recipe_is_what_is_trained_where_nothing_is_set() -> None:
    trials = {trial.name: trial for trial in plan_trials(find_experiments("all"), [])}
    assert all(not trial.changed() for trial in trials.values())
    dropout = trials["dropout/0.5"].recipe
    assert (dropout.dropout, dropout.epochs, dropout.clip_value, dropout.focal_alpha) == (0.5, 10, 0.4, 0.8)
    assert (dropout.batch, dropout.frames, dropout.size, dropout.head) == (20, 40, 256, "published")
    assert trials["gradient-clipping/0.8"].recipe.epochs == 16
    final = trials["final/final"].recipe
    assert (final.frames, final.split) == (45, (0.75, 0.0, 0.25))
    assert trials["flow-step/3"].recipe.flow_step == 3
    assert trials["whole-set/cmwra"].recipe.balance == "none"
    assert {trial.experiment.model for trial in trials.values()} == {"cmwru", "cmwra"}


@pytest.mark.parametrize("name", ["dropout", "gradient-clipping"])
def test_the_counts_that_are_derived_give_every_figure_of_the_paper(name: str) -> None:
    assert "25 absent and 107 present" in EXPERIMENTS[name].notes[0]
    for recall, specificity in _two(name, EXPERIMENTS[name].varied).values():
        assert any(round(k / 25, 2) == recall for k in range(26))
        assert any(round(k / 107, 3) == specificity for k in range(108))


def test_smaller_counts_than_the_derived_ones_do_not() -> None:
    pairs = [*TABLE_II.values(), *TABLE_III.values()]
    for column, derived, digits in ((0, 25, 2), (1, 107, 3)):
        wanted = [pair[column] for pair in pairs]
        fits = [
            n
            for n in range(1, derived + 1)
            if all(any(round(k / n, digits) == value for k in range(n + 1)) for value in wanted)
        ]
        assert fits == [derived]


def test_table_v_contradicts_its_text() -> None:
    notes = " ".join(EXPERIMENTS["final"].notes)
    assert "80 %" in notes
    assert "error" in notes
    tp, tn = 16, 51
    assert tp / 20 == TABLE_V["recall"]
    assert tn / 80 == TABLE_V["specificity"]
    assert (tp + tn) / 100 == TABLE_V["accuracy"]
    assert round(tp / (tp + 29), 3) == TABLE_V["precision"]
    assert round(2 * tp / (2 * tp + 29 + 4), 3) == TABLE_V["f1"]


def test_settings_shrink_every_variant() -> None:
    trials = plan_trials(find_experiments("all"), ["size=64", "epochs=2", "frames=16"])
    assert {(t.recipe.size, t.recipe.epochs) for t in trials} == {(64, 2)}
    frames = {t.experiment.name: set() for t in trials}
    for trial in trials:
        frames[trial.experiment.name].add(trial.recipe.frames)
    assert frames.pop("frames") == {12, 16, 21}  # 34, 45 and 60 in the proportion of 16 to 45
    assert set().union(*frames.values()) == {16}
    assert trials[0].changed()["size"] == (64, 256)
    labels = [t.label for t in trials if t.experiment.name == "frames"]
    assert labels == ["12", "16", "21"]


@pytest.mark.parametrize(
    ("name", "setting", "said"),
    [
        ("dropout", "dropout=0.2", "varies dropout"),
        ("all", "focal_gamma=2", "varies focal_gamma"),
        ("dropout", "colour=red", "no training setting 'colour'"),
        ("dropout", "epochs", "write --set key=value"),
        ("dropout", "size=tiny", "size"),
        ("frames", "frames=many", "whole number"),
    ],
)
def test_a_wrong_setting_is_one_sentence(name: str, setting: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        plan_trials(find_experiments(name), [setting])
    assert "\n" not in str(caught.value)


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(ModelError, match=r"dropout.*final, all"):
        find_experiments("dropuot")
    trials = plan_trials(find_experiments("dropout"), [])
    with pytest.raises(ModelError, match=r"0\.4, 0\.5"):
        choose_trials(trials, ["0.9"])


def test_only_takes_variants_and_experiments() -> None:
    trials = plan_trials(find_experiments("all"), [])
    assert choose_trials(trials, []) == trials
    assert [t.name for t in choose_trials(trials, ["dropout/0.5", "final"])] == ["dropout/0.5", "final/final"]
    assert [t.name for t in choose_trials(trials, ["final/final"])] == ["final/final"]
