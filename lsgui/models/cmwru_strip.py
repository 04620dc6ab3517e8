"""`cmwru-strip`: the 3D residual network of the paper (CMWRU), slimmed, on the pleural strip."""

from torch import Tensor, nn

from lsgui.imaging.strip_channels import CHANNELS
from lsgui.models.base import MODELS, ModelSpec
from lsgui.models.card import ModelCard
from lsgui.models.hyperparameters import share, whole
from lsgui.models.residual3d import ResidualBlock3d

DEPTH_BINS = 8
SEGMENT_COLUMNS = 8
"""The network gives one logit for every 8 columns (3.2 mm) of the strip."""


class CmwruStrip(nn.Module):
    """A logit of absent sliding for every stretch of pleura in a window of 2.5 s.

    Differences from the published CMWRU: the input is the pleural strip held still on the chest wall and turned into
    `strip_channels`; the network stays convolutional along the pleura; the head keeps eight depth bins, because lung is
    told from wall by where in depth something changes, which a globally pooled head cannot see.

    Parameters
    ----------
    width
        Channels of the first stage; the next two have twice and three times as many.
    dropout
        Of feature maps inside the blocks; the head uses the same.
    """

    def __init__(self, width: int = 16, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(CHANNELS, width, 3, 1, 1, bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
        )
        self.stages = nn.Sequential(
            ResidualBlock3d(width, 2 * width, 2, dropout),
            ResidualBlock3d(2 * width, 3 * width, 2, dropout),
        )
        hidden = 4 * width
        self.head = nn.Sequential(
            nn.Conv1d(3 * width * DEPTH_BINS, hidden, 1),
            nn.BatchNorm1d(hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Conv1d(hidden, 1, 1),
        )

    def forward(self, channels: Tensor) -> Tensor:
        """Map `strip_channels` (N, CHANNELS, 8, 32, S / 2) to logits (N, ceil(S / 8)); positive means absent."""
        maps = self.stages(self.stem(channels))
        over_time = maps.mean(dim=2)  # (N, C, depth bins, stretches)
        logits: Tensor = self.head(over_time.flatten(1, 2)).squeeze(1)
        return logits


def build(card: ModelCard) -> CmwruStrip:
    """Return the network that a card describes, with fresh weights.

    Raises
    ------
    ModelError
        When a hyper-parameter of the card cannot be used.
    """
    return CmwruStrip(whole(card, "width", 16, most=256), share(card, "dropout", 0.2))


MODELS.register("cmwru-strip")(ModelSpec("cmwru-strip", "strip", build))
