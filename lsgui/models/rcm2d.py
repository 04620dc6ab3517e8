"""`rcm2d`, exactly as published: a small CNN a frame, then a GRU over time (Košice 2024, 6,827,717 parameters)."""

import torch
from torch import Tensor, nn

from lsgui.models.base import MODELS, ModelSpec
from lsgui.models.card import ModelCard
from lsgui.models.hyperparameters import PUBLISHED_DROPOUT, frames_and_size, share


class _ResidualBlock2d(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.norm(self.second(torch.relu(self.first(features))) + features)
        return changed


def _convolution(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    return [convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(outputs)]


class Rcm2d(nn.Module):
    """One logit of absent sliding for (N, T, 1, 256, 256) z-scored frames; the paper has T = 30.

    The normalisation before the GRU is essential: without it the output does not depend on the input.
    """

    def __init__(self, size: int = 256, dropout: float = PUBLISHED_DROPOUT) -> None:
        super().__init__()
        self.frame = nn.Sequential(
            *_convolution(1, 2, 7),
            _ResidualBlock2d(2),
            nn.MaxPool2d(4),
            *_convolution(2, 4, 3),
            _ResidualBlock2d(4),
            nn.MaxPool2d(2),
            *_convolution(4, 8, 3),
            _ResidualBlock2d(8),
            nn.MaxPool2d(2),
            *_convolution(8, 16, 3),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(16 * (size // 16) ** 2, 512),
            nn.ReLU(inplace=True),
            nn.BatchNorm1d(512),
        )
        self.recurrent = nn.GRU(512, 1024, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(1024, 1))

    def forward(self, clip: Tensor) -> Tensor:
        """Map (N, T, 1, H, W) to logits (N, 1)."""
        count, time = clip.shape[:2]
        features = self.frame(clip.flatten(0, 1)).reshape(count, time, -1)
        logits: Tensor = self.head(self.recurrent(features)[0][:, -1])
        return logits


def build(card: ModelCard) -> Rcm2d:
    """Return the network that a card describes, with fresh weights.

    Raises
    ------
    ModelError
        When a hyper-parameter of the card cannot be used.
    """
    return Rcm2d(frames_and_size(card, 30, 256)[1], share(card, "dropout", PUBLISHED_DROPOUT))


MODELS.register("rcm2d")(ModelSpec("rcm2d", "frame", build))
