"""The settings of a training run on clips: the paper's values, a TOML file over them, `--set key=value` over both."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from lsgui.core.errors import ModelError

CLIP_MODELS = ("cmwru", "cmwra", "rcm2d", "inception2d")
"""The networks that are trained by this recipe."""


def _split_text(value: Any) -> Any:
    """Take "0.6,0.2,0.2" or "hard mirror" from the command line as a list."""
    if isinstance(value, str):
        return [part for part in value.replace("/", ",").replace(" ", ",").split(",") if part]
    return value


def _none_from_text(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() in ("", "none") else value


Shares = Annotated[tuple[float, float, float], BeforeValidator(_split_text)]
Words = Annotated[tuple[str, ...], BeforeValidator(_split_text)]
Rate = Annotated[float | None, BeforeValidator(_none_from_text)]
Count = Annotated[int | None, BeforeValidator(_none_from_text)]


class ClipRecipe(BaseModel):
    """How a network on clips is trained. The defaults are the paper's.

    Attributes
    ----------
    epochs, batch, learning_rate, weight_decay, clip_value
        Adam under a one-cycle schedule that ends after `epochs`; `learning_rate` is its highest. Gradients are clipped
        by value; 0 leaves them. With several processes `batch` is that of all of them together.
    dropout, focal_alpha, focal_gamma
        Of the network, and of the loss: `focal_alpha` is the weight of ls_a.
    split
        Shares of training, validation and test set, by patient. Without a validation set the last epoch is kept.
    balance
        "drop": ls_p clips are left out until every set has as many as ls_a clips; "epochs": every epoch draws as many
        other ls_p clips as there are ls_a clips; "none": all clips, as they come.
    augment_odds
        Probability of each augmentation. One draw holds for a whole window.
    patience
        Epochs without a better validation loss after which training stops; 0 for never.
    seed
        Decides split, initial weights, order, windows, augmentation and dropout.
    head
        "published" for the paper's fully connected head, "pooled" for the small one that can be shipped.
    width, depth_bins, motion_channels
        Of networks with the pooled head; none for what the network itself takes.
    frames, size, rate_hz, region, stabilise, deviation, flow_step, patch
        What the network sees: see `lsgui.models.preprocess.ClipInput`. `patch` is the side of the squares below the
        pleura; none for whole pictures.
    raft
        File with RAFT's weights for networks on flow; none for the shipped ones.
    edits
        Kinds of edits of sliding clips that are added as ls_a (`lsgui simulate --help` lists them), each marked edited.
    max_windows
        Windows of a clip that are scored when it is judged, spread evenly; more cost time and change little.
    sensitivity
        The threshold is the largest that reaches this sensitivity on the validation set; none for even odds.
    abstain
        Half the width of the band of probabilities around the threshold in which no verdict is given.
    workers
        Threads that prepare samples while the network computes.
    amp
        Mixed precision on CUDA: "auto" takes bfloat16 where the GPU has it, else float16. The CPU computes in float32.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=16, ge=1)
    batch: int = Field(default=20, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-3, ge=0)
    clip_value: float = Field(default=0.4, ge=0)
    dropout: float = Field(default=0.65, ge=0, lt=1)
    focal_alpha: float = Field(default=0.8, gt=0, lt=1)
    focal_gamma: float = Field(default=1.0, ge=0)
    split: Shares = (0.6, 0.2, 0.2)
    balance: Literal["drop", "epochs", "none"] = "drop"
    augment_odds: float = Field(default=0.5, ge=0, le=1)
    patience: int = Field(default=0, ge=0)
    seed: int = Field(default=1, ge=0)
    head: Literal["published", "pooled"] = "published"
    width: Count = Field(default=None, ge=1)
    depth_bins: Count = Field(default=None, ge=1)
    motion_channels: Annotated[bool | None, BeforeValidator(_none_from_text)] = None
    frames: int = Field(default=40, ge=2)
    size: int = Field(default=256, ge=16)
    rate_hz: Rate = Field(default=None, gt=0)
    region: Literal["scan", "pleura"] = "scan"
    stabilise: bool = False
    deviation: bool = False
    flow_step: int = Field(default=1, ge=1)
    patch: Count = Field(default=None, ge=16)
    raft: Annotated[str | None, BeforeValidator(_none_from_text)] = None
    edits: Words = ()
    max_windows: int = Field(default=8, ge=1)
    sensitivity: Rate = Field(default=0.9, gt=0, le=1)
    abstain: float = Field(default=0.08, ge=0, lt=0.5)
    workers: int = Field(default=1, ge=0)
    amp: Literal["auto", "off", "bf16", "fp16"] = "auto"

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if min(self.split) < 0 or self.split[0] <= 0 or abs(sum(self.split) - 1.0) > 1e-6:
            raise ValueError("split: three shares that add up to 1, the first of them above 0")
        if self.flow_step >= self.frames:
            raise ValueError("flow_step: it must be smaller than frames")
        return self

    def changes(self, defaults: "ClipRecipe") -> dict[str, str]:
        """Return the settings that differ from `defaults`, as text that `--set` reads."""
        return {name: _as_text(value) for name, value in self if value != getattr(defaults, name)}


MODEL_DEFAULTS: dict[str, dict[str, Any]] = {
    "cmwru": {},
    "cmwra": {"patch": 32},
    "rcm2d": {"frames": 30, "balance": "epochs"},
    "inception2d": {"frames": 30},
}


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def default_recipe(model: str) -> ClipRecipe:
    """Return the paper's recipe for a model."""
    return ClipRecipe.model_validate(MODEL_DEFAULTS[model])


def read_clip_recipe(model: str, config: Path | None, settings: Sequence[str]) -> ClipRecipe:
    """Return the recipe of a model with the settings of a TOML file and of the command line, the latter stronger.

    Raises
    ------
    ModelError
        One sentence when a setting is unknown or its value does not fit.
    """
    given = {**MODEL_DEFAULTS[model], **read_settings(config, settings)}
    check_names(given, list(ClipRecipe.model_fields))
    try:
        return ClipRecipe.model_validate(given)
    except ValidationError as fault:
        first = fault.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        name = ".".join(str(part) for part in first["loc"][:1])
        if not name:
            raise ModelError(f"The training settings do not fit together ({message}).") from fault
        raise ModelError(f"The training setting {name} cannot be {given.get(name)!r}: {_lower(message)}.") from fault


def read_settings(config: Path | None, settings: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a TOML file and of `key=value` texts over them, unchecked.

    Raises
    ------
    ModelError
        When the file cannot be read or a text is no setting.
    """
    found: dict[str, Any] = {}
    if config is not None:
        try:
            found.update(tomllib.loads(config.read_text(encoding="utf-8")))
        except OSError as fault:
            raise ModelError(f"{config}: the settings cannot be read ({fault.strerror}).") from fault
        except ValueError as fault:  # TOML and encoding faults alike
            raise ModelError(f"{config} is not a TOML file of settings ({fault}).") from fault
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ModelError(f"'{text}' is not a setting: write --set key=value.")
        found[name.strip()] = value.strip()
    return found


def check_names(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse a setting that does not exist, listing those that do.

    Raises
    ------
    ModelError
        Naming the first unknown setting.
    """
    for name in given:
        if name not in known:
            raise ModelError(f"There is no training setting '{name}'; there are: {', '.join(known)}.")


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
