"""A head for the paper's 3D networks that is far smaller and still knows at which depth something moves."""

import torch
from torch import Tensor, nn

DEPTH_BINS = 8


class PooledHead(nn.Module):
    """One logit from feature maps (N, C, T, H, W).

    The maps are averaged over time and along the pleura, but over depth into bins only: lung is told from chest wall by
    where something changes. A head pooled over depth as well did not learn.

    Parameters
    ----------
    channels
        C.
    bins
        Depth bins that are kept.
    hidden
        Units of the two hidden layers.
    """

    def __init__(self, channels: int, bins: int, hidden: tuple[int, int], dropout: float) -> None:
        super().__init__()
        self.bins = bins
        first, second = hidden
        self.layers = nn.Sequential(
            nn.Linear(channels * bins, first),
            nn.BatchNorm1d(first),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(first, second),
            nn.BatchNorm1d(second),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(second, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, T, H, W) to logits (N, 1)."""
        over_time = maps.mean(dim=(2, 4))  # (N, C, H)
        logits: Tensor = self.layers(torch.nn.functional.adaptive_avg_pool1d(over_time, self.bins).flatten(1))
        return logits
