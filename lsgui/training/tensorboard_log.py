"""A TensorBoard log beside the other files of a run, where TensorBoard is installed."""

import importlib.util
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

FOLDER = "tensorboard"

_log = logging.getLogger(__name__)


class ScalarLog(Protocol):
    """Takes named values as training goes on."""

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Note the values of a step; those that are not numbers are left out."""


class _NoLog:
    def write(self, values: Mapping[str, float], step: int) -> None:
        """Note nothing."""


class _TensorBoardLog:
    def __init__(self, folder: Path, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # what a broken run wrote of steps that are done again is hidden
        self._writer = SummaryWriter(str(folder), purge_step=first_step or None)

    def write(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            if value == value:
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


@contextmanager
def scalar_log(out: Path, first_step: int = 0, wanted: bool = True) -> Iterator[ScalarLog]:
    """Open the log `out/tensorboard`; where TensorBoard is not installed this is said once and nothing is written.

    Parameters
    ----------
    first_step
        Where a resumed run goes on.
    wanted
        False in all but the first of several processes.
    """
    if not wanted:
        yield _NoLog()
        return
    if importlib.util.find_spec("tensorboard") is None:
        _log.info("TensorBoard is not installed, so no TensorBoard log is written: pip install lsgui[train].")
        yield _NoLog()
        return
    log = _TensorBoardLog(out / FOLDER, first_step)
    try:
        yield log
    finally:
        log.close()
