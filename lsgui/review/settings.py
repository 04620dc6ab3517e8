"""Every setting, as a typed field with a title, a help sentence and a range. The dialog is made from this class."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lsgui.review.json_file import load_json, save_json, set_aside


class Settings(BaseModel):
    """The user's settings.

    A field's `json_schema_extra["group"]` names the page of the dialog, `"choices"` gives the words for the values of
    a `Literal`, and `"from"` names a list that is only known at run time ("models").
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    theme: Literal["system", "dark", "light"] = Field(
        default="dark",
        title="Theme",
        description="Dark suits a reading room; system follows the desktop.",
        json_schema_extra={"group": "Window", "choices": {"system": "As the system", "dark": "Dark", "light": "Light"}},
    )
    rater: Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")] = Field(
        default="R1",
        title="Reader",
        description="Your initials or code; saved beside every label.",
        json_schema_extra={"group": "Reading"},
    )
    blind: bool = Field(
        default=False,
        title="Blind reading",
        description="Cover the verdict until you have saved your own label.",
        json_schema_extra={"group": "Reading"},
    )
    next_after_label: bool = Field(
        default=False,
        title="Next clip after a label",
        description="Go to the next unlabelled clip as soon as a label is saved.",
        json_schema_extra={"group": "Reading"},
    )
    play_on_open: bool = Field(
        default=True,
        title="Play on opening",
        description="Start to play as soon as the first frames are there.",
        json_schema_extra={"group": "Player"},
    )
    speed: Annotated[float, Field(ge=0.1, le=4.0)] = Field(
        default=1.0,
        title="Speed",
        description="Speed at which a clip starts to play, as a multiple of its own rate.",
        json_schema_extra={"group": "Player", "step": 0.1, "suffix": " ×"},
    )
    memory_mb: Annotated[int, Field(ge=128, le=8192)] = Field(
        default=512,
        title="Memory for frames",
        description="Frames beyond this go to a temporary file.",
        json_schema_extra={"group": "Player", "step": 128, "suffix": " MB"},
    )
    suggest_on_open: bool = Field(
        default=True,
        title="Suggest the pleural line on opening",
        description="Look for the pleural line as soon as the clip is decoded.",
        json_schema_extra={"group": "Analysis"},
    )
    analyse_on_suggest: bool = Field(
        default=False,
        title="Analyse the suggested line at once",
        description="Start the analysis without waiting for Enter.",
        json_schema_extra={"group": "Analysis"},
    )
    model_id: str = Field(
        default="cmwru-strip",
        title="Model",
        description="The network that gives the verdict.",
        json_schema_extra={"group": "Analysis", "from": "models"},
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto",
        title="Device",
        description="Automatic takes the graphics card where there is one.",
        json_schema_extra={
            "group": "Analysis",
            "choices": {"auto": "Automatic", "cpu": "Processor (CPU)", "cuda": "Graphics card (CUDA)"},
        },
    )


def load_settings(path: Path) -> Settings:
    """Return the saved settings, or the defaults where none were ever saved.

    Raises
    ------
    DamagedFileError
        When the file is damaged or holds a value out of range: it has been set aside with the ending `.bad`.
    """
    data = load_json(path)
    if data is None:
        return Settings()
    try:
        return Settings.model_validate(data)
    except ValidationError as fault:
        raise set_aside(path) from fault


def save_settings(path: Path, settings: Settings) -> None:
    """Save in one step: the file holds the former settings or the new ones, never a part."""
    save_json(path, settings.model_dump(mode="json"))
