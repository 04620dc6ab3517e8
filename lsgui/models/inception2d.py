"""`inception2d`: InceptionV3 on single frames, averaged over the clip; the paper's frame-wise baseline."""

from torch import Tensor, nn

from lsgui.core.errors import ModelError
from lsgui.models.base import MODELS, ModelSpec
from lsgui.models.card import ModelCard
from lsgui.models.hyperparameters import frames_and_size, share

SMALLEST = 75
"""Side in pixels under which nothing is left of a frame before the last layers."""


class Inception2d(nn.Module):
    """One logit of absent sliding for (N, T, 1, H, W) z-scored frames, H and W at least 75.

    A frame by itself holds no motion: this baseline shows how much of a figure comes from anything else.
    """

    def __init__(self, dropout: float = 0.5) -> None:
        from torchvision.models import inception_v3  # here: 1,078 modules, 158 MB that no other network needs

        super().__init__()
        self.network = inception_v3(weights=None, num_classes=1, aux_logits=False, init_weights=False, dropout=dropout)

    def forward(self, clip: Tensor) -> Tensor:
        """Map (N, T, 1, H, W) to logits (N, 1), the mean over the frames."""
        count, time = clip.shape[:2]
        logits: Tensor = self.network(clip.flatten(0, 1).expand(-1, 3, -1, -1))
        return logits.reshape(count, time, 1).mean(dim=1)


def build(card: ModelCard) -> Inception2d:
    """Return the network that a card describes, with fresh weights.

    Raises
    ------
    ModelError
        When a hyper-parameter of the card cannot be used.
    """
    _, size = frames_and_size(card, 16, SMALLEST)
    if size < SMALLEST:
        raise ModelError(f"Model {card.id}: frames of {size} px are too small, it needs at least {SMALLEST}.")
    return Inception2d(share(card, "dropout", 0.5))


MODELS.register("inception2d")(ModelSpec("inception2d", "frame", build))
