"""`cmwra`: 3D convolutions on optical flow (Košice 2024): as published, or with a head small enough to ship."""

from torch import Tensor, nn

from lsgui.core.errors import ModelError
from lsgui.models.base import MODELS, ModelSpec
from lsgui.models.card import ModelCard
from lsgui.models.hyperparameters import PUBLISHED_DROPOUT, frames_and_size, pooled_head, share, whole
from lsgui.models.pooled_head import DEPTH_BINS, PooledHead
from lsgui.models.preprocess import ClipInput


class Cmwra(nn.Module):
    """One logit of absent sliding for (N, T - step, 2, H, W) flow fields in pixels.

    335,588,305 parameters as published. RAFT, which makes the fields, stands before it and is not part of it.

    Parameters
    ----------
    frames
        T; the paper has 40, hence 39 flow fields.
    size
        Side of a flow field in pixels.
    step
        Distance of the two frames of a flow field, 1 to 3.
    bins
        Depth bins of the pooled head; None: the published head, which reads every place of the last maps.
    width
        Channels of the first convolution, the second has twice as many; 16 as published.
    """

    def __init__(
        self,
        frames: int = 40,
        size: int = 256,
        dropout: float = PUBLISHED_DROPOUT,
        step: int = 1,
        bins: int | None = None,
        width: int = 16,
    ) -> None:
        super().__init__()
        # Pixels of flow are small numbers of unknown spread: the pooled network brings them to a common one first.
        self.spread = None if bins is None else nn.BatchNorm3d(2)
        self.convolutions = nn.Sequential(
            nn.Conv3d(2, width, (2, 3, 3), padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm3d(width),
            nn.MaxPool3d(2),
            nn.Conv3d(width, 2 * width, (2, 3, 3), padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm3d(2 * width),
            nn.MaxPool3d(2),
        )
        fields = frames - step
        time = ((fields + 1) // 2 + 1) // 2  # a kernel of 2 with padding 1 adds one moment, pooling halves
        self.head: nn.Module
        if bins is None:
            self.head = _published_head(2 * width * time * (size // 4) ** 2, dropout)
        else:
            self.head = PooledHead(2 * width, bins, (256, 128), dropout)

    def forward(self, flow: Tensor) -> Tensor:
        """Map (N, T - step, 2, H, W) to logits (N, 1)."""
        volume = flow.transpose(1, 2)
        if self.spread is not None:
            volume = self.spread(volume)
        logits: Tensor = self.head(self.convolutions(volume))
        return logits


def _published_head(features: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(features, 256),
        nn.BatchNorm1d(256),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(256, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(128, 1),
    )


def build(card: ModelCard) -> Cmwra:
    """Return the network that a card describes, with fresh weights.

    Raises
    ------
    ModelError
        When a hyper-parameter of the card cannot be used.
    """
    frames, size = frames_and_size(card, 40, 256)
    spec = ClipInput.from_card(card)
    if spec.kind != "flow":
        raise ModelError(f"Model {card.id}: cmwra takes optical flow, not the input {spec.kind!r}.")
    side = spec.patch or size
    dropout = share(card, "dropout", PUBLISHED_DROPOUT)
    if not pooled_head(card):
        return Cmwra(frames, side, dropout, spec.flow_step)
    bins = whole(card, "depth_bins", DEPTH_BINS, most=32)
    return Cmwra(frames, side, dropout, spec.flow_step, bins, whole(card, "width", 16, most=64))


MODELS.register("cmwra")(ModelSpec("cmwra", "flow", build))
