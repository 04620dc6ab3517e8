"""`cmwra`, exactly as published: 3D convolutions on optical flow (Košice 2024, 335,588,305 parameters without RAFT)."""

from torch import Tensor, nn

from lsgui.models.base import MODELS, ModelSpec
from lsgui.models.card import ModelCard


class Cmwra(nn.Module):
    """One logit of absent sliding for (N, T - 1, 2, H, W) flow fields in pixels.

    Parameters
    ----------
    frames
        T; the paper has 40, hence 39 flow fields.
    size
        Side of a flow field in pixels.
    """

    def __init__(self, frames: int = 40, size: int = 256, dropout: float = 0.65) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv3d(2, 16, (2, 3, 3), padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm3d(16),
            nn.MaxPool3d(2),
            nn.Conv3d(16, 32, (2, 3, 3), padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm3d(32),
            nn.MaxPool3d(2),
        )
        time = (frames // 2 + 1) // 2  # a kernel of 2 with padding 1 adds one moment, pooling halves
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(32 * time * (size // 4) ** 2, 256),
            nn.BatchNorm1d(256),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(256, 128),
            nn.BatchNorm1d(128),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(128, 1),
        )

    def forward(self, flow: Tensor) -> Tensor:
        """Map (N, T - 1, 2, H, W) to logits (N, 1)."""
        logits: Tensor = self.head(self.convolutions(flow.transpose(1, 2)))
        return logits


def build(card: ModelCard) -> Cmwra:
    """Return the network that a card describes, with fresh weights."""
    frames, size = (card.input.size or (40, 256))[:2]
    return Cmwra(frames, size)


MODELS.register("cmwra")(ModelSpec("cmwra", "flow", build))
