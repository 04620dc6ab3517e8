"""The focal loss of the paper."""

import torch
from torch import Tensor
from torch.nn import functional

_SMALLEST = 1e-7
"""Keeps the slope of (1 - p) ** gamma finite at p = 1 for gamma below 1."""


def focal_terms(logits: Tensor, absent: Tensor, alpha: float = 0.8, gamma: float = 1.0) -> Tensor:
    """Return the focal loss of every sample: alpha_t * (1 - p_t) ** gamma * cross-entropy (arXiv 1708.02002).

    Parameters
    ----------
    logits, absent
        Of one shape; `absent` is 1 for ls_a, 0 for ls_p.
    alpha
        Weight of ls_a; ls_p weighs 1 - alpha.
    gamma
        How much less a sample counts that is already told well; 0 gives weighted cross-entropy.
    """
    logits = logits.float()  # in half precision exp(-loss) rounds to 1 far too soon
    entropy = functional.binary_cross_entropy_with_logits(logits, absent, reduction="none")
    doubt = (1.0 - torch.exp(-entropy)).clamp_min(_SMALLEST)
    weight = alpha * absent + (1.0 - alpha) * (1.0 - absent)
    return weight * doubt**gamma * entropy


def focal_loss(logits: Tensor, absent: Tensor, alpha: float = 0.8, gamma: float = 1.0) -> Tensor:
    """Return the mean of `focal_terms` over the batch: divided by the number of samples once, and once only."""
    return focal_terms(logits, absent, alpha, gamma).mean()
