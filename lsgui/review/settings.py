"""Every setting, as a typed field with a title, a help sentence and a range. The dialog is made from this class.

A plain dataclass that checks itself: the window reads its settings before it opens, and pydantic would take longer to
load than everything else of ours together.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from lsgui.core.errors import LsguiError
from lsgui.inference.protocol import FlowChoice
from lsgui.review.heat_style import COLOUR_WORDS, SCALE_WORDS, WINDOW_WORDS, HeatStyle
from lsgui.review.json_file import load_json, save_json, set_aside


class SettingError(LsguiError):
    """A value that a setting cannot take."""


@dataclass(frozen=True, slots=True)
class SettingRule:
    """What is known of a setting beside its value.

    Attributes
    ----------
    title, description, group
        Its name, its help sentence, and the page of the dialog where it stands.
    choices
        The values that can be chosen, with their words; empty where any value of the right kind will do.
    source
        A list that is only known at run time ("models"); empty for none.
    low, high, step, suffix
        Range, step and unit of a number; `low` and `high` are the fewest and most characters of a text.
    shown
        False where a command of its own sets it: the dialog leaves it out.
    """

    title: str
    description: str
    group: str
    choices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    source: str = ""
    low: float = 0.0
    high: float = 1e9
    step: float = 1.0
    suffix: str = ""
    shown: bool = True

    def fault(self, value: object, kind: type) -> str:
        """Return what is wrong with a value, or an empty text."""
        if type(value) not in ((int, float) if kind is float else (kind,)):  # not isinstance: True is an int
            return f"{value!r} is of the wrong kind"
        if self.choices and value not in self.choices:
            return f"{value!r} is none of {', '.join(self.choices)}"
        measure = len(value.strip()) if isinstance(value, str) else value
        if isinstance(measure, int | float) and not self.low <= measure <= self.high:
            return f"{value!r} is out of range"
        return ""


def _setting(default: Any, title: str, description: str, group: str, **rule: Any) -> Any:
    return field(default=default, metadata={"rule": SettingRule(title, description, group, **rule)})


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's settings.

    Raises
    ------
    SettingError
        When a value is of the wrong kind or out of range.
    """

    theme: Literal["system", "dark", "light"] = _setting(
        "dark",
        "Theme",
        "Dark suits a reading room; system follows the desktop.",
        "Window",
        choices={"system": "As the system", "dark": "Dark", "light": "Light"},
    )
    name_in_title: bool = _setting(
        False,
        "File name in the title bar",
        "A file may be named after a patient, and title bars show in task lists and screenshots.",
        "Window",
    )
    rater: str = _setting(
        "",
        "Reader",
        "Your initials or code, saved beside every label; asked for at the first one.",
        "Reading",
        high=40,
        shown=False,
    )
    blind: bool = _setting(False, "Blind reading", "Cover the verdict until you have saved your own label.", "Reading")
    next_after_label: bool = _setting(
        False, "Next clip after a label", "Go to the next unlabelled clip as soon as a label is saved.", "Reading"
    )
    sitting: Literal["1", "2"] = _setting(
        "1",
        "Pass",
        "The second pass reads the same clips again without seeing the first.",
        "Reading",
        choices={"1": "First pass", "2": "Second pass"},
        shown=False,
    )
    store_file: str = _setting(
        "",
        "Annotation project",
        "File in which everything that is said is kept; empty for your own labels.",
        "Reading",
        high=4096,
        shown=False,
    )
    play_on_open: bool = _setting(
        True, "Play on opening", "Start to play as soon as the first frames are there.", "Player"
    )
    speed: float = _setting(
        1.0,
        "Speed",
        "Speed at which a clip starts to play, as a multiple of its own rate.",
        "Player",
        low=0.1,
        high=4.0,
        step=0.1,
        suffix=" ×",
    )
    memory_mb: int = _setting(
        512,
        "Memory for frames",
        "Frames beyond this go to a temporary file.",
        "Player",
        low=128,
        high=8192,
        step=128,
        suffix=" MB",
    )
    colour: Literal["auto", "rgb", "ybr"] = _setting(
        "auto",
        "Colour of DICOM clips",
        "Where a file names its colours wrongly its greys look false: say here what they are, and open it again.",
        "Player",
        choices={"auto": "As the file says", "rgb": "Red, green, blue (RGB)", "ybr": "Luma and chroma (YBR)"},
    )
    mmode_pair: Literal["beside", "stacked"] = _setting(
        "beside",
        "Two M-modes",
        "Side by side at one depth, or above one another on the player's time axis.",
        "Player",
        choices={"beside": "Side by side", "stacked": "Above one another"},
    )
    suggest_on_open: bool = _setting(
        True,
        "Suggest the pleural line on opening",
        "Look for the pleural line as soon as the clip is decoded.",
        "Analysis",
    )
    analyse_on_suggest: bool = _setting(
        False, "Analyse the suggested line at once", "Start the analysis without waiting for Enter.", "Analysis"
    )
    model_id: str = _setting("cmwru-strip", "Model", "The network that gives the verdict.", "Analysis", source="models")
    device: Literal["auto", "cpu", "cuda"] = _setting(
        "auto",
        "Device",
        "Automatic takes the graphics card where there is one.",
        "Analysis",
        choices={"auto": "Automatic", "cpu": "Processor (CPU)", "cuda": "Graphics card (CUDA)"},
    )

    heat_colours: Literal["own", "inferno", "magma", "viridis", "cividis"] = _setting(
        "own",
        "Colours of heat maps",
        "All rise evenly in lightness and can be read by colour-blind eyes.",
        "Heat maps",
        choices=COLOUR_WORDS,
    )
    heat_window: Literal["moment", "half", "second", "clip"] = _setting(
        "moment",
        "Averaged over",
        "How much of the clip a heat map shows at once; the legend says it.",
        "Heat maps",
        choices=WINDOW_WORDS,
    )
    heat_scale: Literal["own", "clip", "fixed"] = _setting(
        "own",
        "Colour scale",
        "Where the colours begin and end; the same on every clip lets clips be compared.",
        "Heat maps",
        choices=SCALE_WORDS,
    )

    @property
    def heat(self) -> HeatStyle:
        """How heat maps are drawn."""
        return HeatStyle(self.heat_colours, self.heat_window, self.heat_scale)

    flow_method: Literal["dis", "raft"] = _setting(
        "dis",
        "Flow by",
        "What measures motion. DIS is there at once; RAFT, a network, takes a while and is made on demand.",
        "Flow",
        choices={"dis": "DIS (dense inverse search)", "raft": "RAFT (network)"},
    )
    flow_step: Literal["auto", "1", "2", "3"] = _setting(
        "auto",
        "Flow step",
        "Frames between the two that are compared: a larger step shows slower motion.",
        "Flow",
        choices={"auto": "Automatic (about 0.1 s)", "1": "1 frame", "2": "2 frames", "3": "3 frames"},
    )
    raft_weights: str = _setting(
        "",
        "RAFT weights",
        "File of RAFT weights (safetensors, or torchvision's .pth); empty for those that come with lsgui.",
        "Flow",
        high=1000,
    )

    @property
    def flow(self) -> FlowChoice:
        """How flow is measured."""
        step = 0 if self.flow_step == "auto" else int(self.flow_step)
        return FlowChoice(self.flow_method, step, self.raft_weights.strip() if self.flow_method == "raft" else "")

    def __post_init__(self) -> None:
        for part in fields(self):
            fault = part.metadata["rule"].fault(getattr(self, part.name), type(part.default))
            if fault:
                raise SettingError(f"The setting {part.name}: {fault}.")


def setting_rules() -> dict[str, SettingRule]:
    """Return what is known of every setting, by its name, in the order of the dialog."""
    return {part.name: part.metadata["rule"] for part in fields(Settings)}


def load_settings(path: Path) -> Settings:
    """Return the saved settings, or the defaults where none were ever saved. What it does not know is passed over.

    Raises
    ------
    DamagedFileError
        When the file is damaged or holds a value out of range: it has been set aside with the ending `.bad`.
    """
    data = load_json(path)
    if data is None:
        return Settings()
    if not isinstance(data, dict):
        raise set_aside(path)
    known = setting_rules()
    try:
        return Settings(**{name: value for name, value in data.items() if name in known})
    except SettingError as fault:
        raise set_aside(path) from fault


def save_settings(path: Path, settings: Settings) -> None:
    """Save in one step: the file holds the former settings or the new ones, never a part."""
    save_json(path, asdict(settings))
