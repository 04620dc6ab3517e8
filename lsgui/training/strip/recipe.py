"""The settings of a training run of `cmwru-strip`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lsgui.core.errors import ModelError
from lsgui.training.clips.config import check_names


class StripRecipe(BaseModel):
    """How the network is trained.

    Adam, the one-cycle schedule, weight decay and clipping by value are the paper's; binary cross-entropy on every
    stretch of pleura takes the place of its focal loss, because windows are drawn in balance.

    The network learns from real strips and simulated ones together (`steps`). It may first learn from simulated strips
    alone (`pretrain_steps`), once for all folds, for no patient is in them; `fine_tune_rate` is then the highest rate
    of `steps`.

    `h264_odds` is the share of windows recoded as H.264 at a low rate, which needs PyAV.

    `batch` is that of all processes together. `amp` is the mixed precision on CUDA, as in `ClipRecipe`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pretrain_steps: int = Field(default=0, ge=0)
    steps: int = Field(default=500, ge=1)
    batch: int = Field(default=24, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    fine_tune_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-3, ge=0)
    clip_value: float = Field(default=0.4, gt=0)
    label_smoothing: float = Field(default=0.04, ge=0, lt=0.5)
    simulated_share: float = Field(default=0.2, ge=0, le=1)
    simulated_clips: int = Field(default=160, ge=0)
    h264_odds: float = Field(default=0.2, ge=0, le=1)
    width: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    seed: int = Field(default=1, ge=0, lt=1 << 32)
    checkpoint_every: int = Field(default=100, ge=1)
    amp: Literal["auto", "off", "bf16", "fp16"] = "auto"

    @property
    def uses_simulation(self) -> bool:
        """Whether simulated strips are needed at all."""
        return self.simulated_share > 0 or self.pretrain_steps > 0

    @property
    def changed(self) -> dict[str, str]:
        """The settings that differ from the defaults, as text that `--set` reads."""
        default = StripRecipe()
        return {name: str(value) for name, value in self if value != getattr(default, name)}

    def with_setting(self, name: str, value: str) -> "StripRecipe":
        """Return the recipe with one field set from text, as `--set name=value` gives it.

        Raises
        ------
        ModelError
            When there is no such field or the value does not fit it.
        """
        check_names({name: value}, list(StripRecipe.model_fields))
        try:
            return StripRecipe.model_validate({**self.model_dump(), name: value})
        except ValidationError as fault:
            message = fault.errors()[0]["msg"]
            said = message[:1].lower() + message[1:]
            raise ModelError(f"The training setting {name} cannot be {value!r}: {said}.") from fault
