import pytest
import torch
from torch.nn import functional

from lsgui.training.clips.losses import focal_loss, focal_terms

LOGITS = torch.tensor([-3.0, -0.2, 0.4, 2.5, 1.0])
ABSENT = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0])


def test_focal_loss_is_the_formula() -> None:
    p = torch.sigmoid(LOGITS)
    p_true = torch.where(ABSENT > 0, p, 1 - p)
    alpha = torch.where(ABSENT > 0, 0.8, 0.2)
    for gamma in (0.5, 1.0, 2.0, 3.0):
        wanted = (-alpha * (1 - p_true) ** gamma * torch.log(p_true)).mean()
        assert float(focal_loss(LOGITS, ABSENT, 0.8, gamma)) == pytest.approx(float(wanted), rel=1e-5)


def test_gamma_0_is_weighted_cross_entropy() -> None:
    entropy = functional.binary_cross_entropy_with_logits(LOGITS, ABSENT, weight=0.3 + 0.4 * ABSENT)
    assert float(focal_loss(LOGITS, ABSENT, 0.7, 0.0)) == pytest.approx(float(entropy), rel=1e-6)


def test_the_batch_is_divided_by_once() -> None:
    """Fault 5 of the published code: its loss was divided by the batch twice, so it shrank with the batch."""
    once = focal_loss(LOGITS, ABSENT)
    for times in (2, 4, 20):
        assert float(focal_loss(LOGITS.repeat(times), ABSENT.repeat(times))) == pytest.approx(float(once), rel=1e-6)
    assert float(once) == pytest.approx(float(focal_terms(LOGITS, ABSENT).sum()) / len(LOGITS), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_sure_answers_have_finite_slopes(gamma: float) -> None:
    logits = torch.tensor([-200.0, -30.0, 30.0, 200.0, 0.0] * 2, requires_grad=True)
    absent = torch.tensor([0.0] * 5 + [1.0] * 5)
    focal_loss(logits, absent, 0.8, gamma).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0].abs() < 1e-6 < logits.grad[3].abs()


def test_half_precision_logits_are_weighed_in_full() -> None:
    logits = torch.tensor([8.5], dtype=torch.bfloat16)
    assert float(focal_loss(logits, torch.ones(1))) == pytest.approx(0.8 * 2.034e-4**2, rel=0.05)
