"""`cmwru`: a 3D residual network on pictures (Košice 2024): as published, or with a head small enough to ship."""

import torch
from torch import Tensor, nn

from lsgui.models.base import MODELS, ModelSpec
from lsgui.models.card import ModelCard
from lsgui.models.hyperparameters import PUBLISHED_DROPOUT, flag, frames_and_size, pooled_head, share, whole
from lsgui.models.pooled_head import DEPTH_BINS, PooledHead
from lsgui.models.residual3d import ResidualBlock3d


def _halved(size: int) -> int:
    return (size + 1) // 2


class Cmwru(nn.Module):
    """One logit of absent sliding for (N, T, 1, 256, 256) z-scored frames: 42,457,865 parameters as published.

    Parameters
    ----------
    frames
        T; the published count is that of 40, the paper's final run had 45.
    size
        Side of a frame in pixels.
    dropout
        In blocks and head.
    bins
        Depth bins of the pooled head; None: the published head, which reads every place of the last maps.
    width
        Channels of the stem; the three stages have 2, 4 and 8 times as many. 8 as published.
    motion_channels
        Beside the picture, its difference from the window's mean and from the frame before are fed: not published, and
        what a card with the pooled head gets unless it says otherwise.
    """

    def __init__(
        self,
        frames: int = 40,
        size: int = 256,
        dropout: float = PUBLISHED_DROPOUT,
        bins: int | None = None,
        width: int = 8,
        motion_channels: bool = False,
    ) -> None:
        super().__init__()
        self.motion = MotionChannels() if motion_channels else None
        self.stem = nn.Sequential(
            nn.Conv3d(3 if motion_channels else 1, width, (3, 5, 5), 1, (1, 2, 2), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool3d((1, 2, 2)),
        )
        stages: list[nn.Module] = []
        for inputs, outputs, stride in ((width, 2 * width, 1), (2 * width, 4 * width, 2), (4 * width, 8 * width, 2)):
            stages += [ResidualBlock3d(inputs, outputs, stride, dropout), ResidualBlock3d(outputs, outputs, 1, dropout)]
        self.stages = nn.Sequential(*stages)
        side = _halved(_halved(size // 2))
        self.head: nn.Module
        if bins is None:
            self.head = _published_head(8 * width * _halved(_halved(frames)) * side * side, dropout)
        else:
            self.head = PooledHead(8 * width, bins, (64, 32), dropout)

    def forward(self, clip: Tensor) -> Tensor:
        """Map (N, T, 1, H, W) to logits (N, 1)."""
        volume = clip.transpose(1, 2)
        if self.motion is not None:
            volume = self.motion(volume)
        logits: Tensor = self.head(self.stages(self.stem(volume)))
        return logits


class MotionChannels(nn.Module):
    """Picture, difference from the mean over time, difference from the frame before; each brought to the same spread.

    (N, 1, T, H, W) becomes (N, 3, T, H, W). Differences are small against the picture: without the normalisation the
    first convolution would see next to nothing of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm3d(3)

    def forward(self, volume: Tensor) -> Tensor:
        """Return the three channels."""
        step = torch.diff(volume, dim=2, prepend=volume[:, :, :1])
        channels: Tensor = self.norm(torch.cat([volume, volume - volume.mean(dim=2, keepdim=True), step], dim=1))
        return channels


def _published_head(features: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(features, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(64, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(32, 1),
    )


def build(card: ModelCard) -> Cmwru:
    """Return the network that a card describes, with fresh weights.

    Raises
    ------
    ModelError
        When a hyper-parameter of the card cannot be used.
    """
    frames, size = frames_and_size(card, 40, 256)
    dropout = share(card, "dropout", PUBLISHED_DROPOUT)
    if not pooled_head(card):
        return Cmwru(frames, size, dropout)
    bins = whole(card, "depth_bins", DEPTH_BINS, most=32)
    width = whole(card, "width", 8, most=64)
    return Cmwru(frames, size, dropout, bins, width, flag(card, "motion_channels", True))


MODELS.register("cmwru")(ModelSpec("cmwru", "frame", build))
