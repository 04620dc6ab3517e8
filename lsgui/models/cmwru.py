"""`cmwru`, exactly as published: a 3D residual network on whole frames (Košice 2024, 42,457,865 parameters)."""

from torch import Tensor, nn

from lsgui.models.base import MODELS, ModelSpec
from lsgui.models.card import ModelCard
from lsgui.models.residual3d import ResidualBlock3d


def _halved(size: int) -> int:
    return (size + 1) // 2


class Cmwru(nn.Module):
    """One logit of absent sliding for (N, T, 1, 256, 256) z-scored frames.

    Parameters
    ----------
    frames
        T; the published count is that of 40, the paper's final run had 45.
    size
        Side of a frame in pixels.
    dropout
        In blocks and head.
    """

    def __init__(self, frames: int = 40, size: int = 256, dropout: float = 0.65) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(1, 8, (3, 5, 5), 1, (1, 2, 2), bias=False),
            nn.BatchNorm3d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool3d((1, 2, 2)),
        )
        stages: list[nn.Module] = []
        for inputs, outputs, stride in ((8, 16, 1), (16, 32, 2), (32, 64, 2)):
            stages += [ResidualBlock3d(inputs, outputs, stride, dropout), ResidualBlock3d(outputs, outputs, 1, dropout)]
        self.stages = nn.Sequential(*stages)
        side = _halved(_halved(size // 2))
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * _halved(_halved(frames)) * side * side, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(64, 32),
            nn.BatchNorm1d(32),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(32, 1),
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Map (N, T, 1, H, W) to logits (N, 1)."""
        logits: Tensor = self.head(self.stages(self.stem(clip.transpose(1, 2))))
        return logits


def build(card: ModelCard) -> Cmwru:
    """Return the network that a card describes, with fresh weights."""
    frames, size = (card.input.size or (40, 256))[:2]
    return Cmwru(frames, size)


MODELS.register("cmwru")(ModelSpec("cmwru", "frame", build))
