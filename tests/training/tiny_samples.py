"""The smallest things that can be trained: seeded noise with a trace of its label, and networks of a few weights."""

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lsgui.training.clips.config import ClipRecipe

RECIPE = ClipRecipe(epochs=4, batch=6, dropout=0.3, learning_rate=0.02, seed=7, workers=0)


class TinySamples:
    """`count` windows (3, 1, 8, 8), absent where the index is odd; `slow_from` makes the reading of an epoch hang."""

    def __init__(self, count: int, stop: Path | None = None, seed: int = 0) -> None:
        self.count, self.stop, self.seed = count, stop, seed
        self.asked: list[tuple[int, int, bool]] = []

    def __len__(self) -> int:
        return self.count

    def sample(self, index: int, epoch_seed: int, augment: bool) -> tuple[npt.NDArray[np.float32], float, str]:
        self.asked.append((index, epoch_seed, augment))
        while self.stop is not None and self.stop.exists():  # a run that is to be killed waits here
            time.sleep(0.01)
        rng = np.random.default_rng((self.seed, index, epoch_seed if augment else 0))
        window = rng.standard_normal((3, 1, 8, 8), dtype=np.float32)
        window[:, :, 2:5] += 0.8 * (index % 2)
        return window, float(index % 2), f"clip {index}"


class TinyNetwork(nn.Module):
    """Two convolutions with batch normalisation and dropout: everything that a broken run could get wrong."""

    def __init__(self, dropout: float = 0.3, seed: int = 3) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Conv3d(1, 4, 3, padding=1, bias=False),
            nn.BatchNorm3d(4),
            nn.ReLU(),
            nn.Dropout3d(dropout),
            nn.Conv3d(4, 4, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * 2 * 4 * 4, 8),
            nn.BatchNorm1d(8),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(8, 1),
        )

    def forward(self, clip: Tensor) -> Tensor:
        logits: Tensor = self.layers(clip.transpose(1, 2))
        return logits
