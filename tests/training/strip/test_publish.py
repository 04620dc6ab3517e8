from pathlib import Path

from lsgui.core.label import SlidingLabel
from lsgui.models.card import load_card
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.sources import read_dataset
from lsgui.training.strip.publish import command_of, limits, trained_on
from lsgui.training.strip.recipe import StripRecipe

RECIPE = StripRecipe()
INDEX = Path(__file__).resolve().parents[3] / "trained_models" / "cmwru-strip" / "sliding_clips.csv"


def row(source: str, label: str, patient: str = "p") -> DatasetRow:
    return DatasetRow(Path("clip.mp4"), SlidingLabel(label), patient, source, 0, None, None)


def test_the_shipped_card_is_what_a_run_on_its_clips_writes(shared_clips: Path) -> None:
    card, rows = load_card("cmwru-strip"), read_dataset(shared_clips, INDEX)
    assert trained_on(rows, RECIPE) == card.trained_on
    assert limits(rows) == card.limits
    assert command_of(INDEX, RECIPE, measured=True) == card.command


def test_recorded_edited_and_simulated_clips_are_counted_apart() -> None:
    rows = [row("a", "ls_p"), row("b", "ls_p", "q"), row("a", "ls_a"), *[row("simulated", "ls_p")] * 3]
    rows += [row("edited", "ls_a", "q"), row("edited", "ls_p")]
    assert trained_on(rows, RECIPE) == (
        "2 sliding clips of 2 patients, edits of them, 1 absent clip of 1 patient, 2 edited clips of the data set, "
        "3 simulated clips of the data set, 160 simulated clips"
    )
    assert "No clip of a patient with absent sliding" not in " ".join(limits(rows))
    assert "No clip of a patient with absent sliding" in limits([r for r in rows if not r.absent or r.source != "a"])[0]


def test_what_is_never_drawn_is_not_claimed() -> None:
    rows = [row("a", "ls_p"), row("simulated", "ls_a")]
    never, always = RECIPE.with_setting("simulated_share", "0"), RECIPE.with_setting("simulated_share", "1")
    assert trained_on(rows, never) == "1 sliding clip of 1 patient, edits of them"
    assert trained_on(rows, always) == "1 simulated clip of the data set, 160 simulated clips"


def test_the_command_is_the_one_that_was_given() -> None:
    changed = RECIPE.with_setting("steps", "7")
    assert command_of(None, changed, measured=False) == (
        "lsgui train --data CLIPS --model cmwru-strip --out RUN --set steps=7"
    )
    given = command_of(Path("my rows") / "sliding_clips.csv", RECIPE, measured=True)
    assert given == (
        "lsgui train --data CLIPS --model cmwru-strip --index 'my rows/sliding_clips.csv' --out RUN --leave-one-out"
    )
