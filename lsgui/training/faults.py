"""What stops a training run, said in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lsgui.core.errors import LsguiError

_HOST_MEMORY = ("can't allocate memory", "not enough memory", "bad_alloc", "bad allocation")


class TrainingError(LsguiError):
    """Training cannot begin or go on."""


@contextmanager
def memory_faults(batch: int, smallest: int = 2) -> Iterator[None]:
    """Turn running out of memory, of the GPU or of the machine, into a sentence with the batch size to try.

    Parameters
    ----------
    batch
        The batch size that was tried.
    smallest
        The smallest batch that can be trained on at all.

    Raises
    ------
    TrainingError
        In place of an out-of-memory fault.
    """
    try:
        yield
    except torch.OutOfMemoryError as fault:
        raise TrainingError(_sentence("The GPU", batch, smallest)) from fault
    except MemoryError as fault:
        raise TrainingError(_sentence("This machine", batch, smallest)) from fault
    except RuntimeError as fault:
        if any(words in str(fault) for words in _HOST_MEMORY):
            raise TrainingError(_sentence("This machine", batch, smallest)) from fault
        raise


def _sentence(who: str, batch: int, smallest: int) -> str:
    if batch // 2 >= smallest:
        return f"{who} ran out of memory with batches of {batch}: try --set batch={batch // 2}."
    return f"{who} ran out of memory with batches of {batch}, the smallest there are: try smaller or fewer frames."


def check_loss(loss: float, number: int, learning_rate: float, unit: str = "epoch") -> None:
    """Stop where the loss is no longer a number.

    Raises
    ------
    TrainingError
        When it is not finite.
    """
    if loss != loss or loss in (float("inf"), float("-inf")):
        raise TrainingError(
            f"The loss became {loss} in {unit} {number} and the weights are lost: "
            f"try --set learning_rate={learning_rate / 2:g}."
        )
