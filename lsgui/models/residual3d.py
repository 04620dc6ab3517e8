"""The residual block of the paper's 3D network, shared by the published one and the one on the strip."""

import torch
from torch import Tensor, nn


class ResidualBlock3d(nn.Module):
    """Two 3x3x3 convolutions without bias beside a shortcut.

    The shortcut is a 1x1x1 convolution with batch normalisation where the block changes channels or stride.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm3d(outputs),
            nn.ReLU(inplace=True),
            nn.Dropout3d(dropout),
            nn.Conv3d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm3d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same meaning at the block's stride."""
        return torch.relu(self.body(features) + self.shortcut(features))
