"""Where a run stands, kept on disk so that a broken run goes on as if it had not been broken."""

import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from lsgui.core.errors import ModelError
from lsgui.models.checkpoint import save_weights

_FILE = "checkpoint.pt"

_log = logging.getLogger(__name__)


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state of tensors and plain values; the file appears whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(dict(state), partial)
    partial.replace(path)


def load_state(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Read what `save_state` wrote. Nothing in the file can run.

    Raises
    ------
    ModelError
        When the file is damaged.
    """
    state: Any = None
    try:
        if zipfile.is_zipfile(path):
            state = torch.load(path, map_location=device, weights_only=True)
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as fault:  # torch raises whatever the damage leads to
        raise ModelError(f"{path}: the checkpoint is damaged: train without --resume.") from fault
    if not isinstance(state, dict):
        raise ModelError(f"{path}: the checkpoint is damaged: train without --resume.")
    return state


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The checkpoint of a run in `folder`, and the weights of its best epoch beside it."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The file that `--resume` reads."""
        return self.folder / _FILE

    def best(self, epoch: int) -> Path:
        """Return the file with the weights of the best epoch; its name says which, so that it cannot be another's."""
        return self.folder / f"best_epoch_{epoch:03d}.safetensors"

    def begin_anew(self) -> None:
        """Forget an earlier run, and say so where it could have been gone on with."""
        if self.checkpoint.exists():
            _log.warning("%s: the checkpoint of an earlier run is dropped, for --resume was not given.", self.folder)
        self.forget()

    def forget(self) -> None:
        """Remove the checkpoint and the weights beside it."""
        self.checkpoint.unlink(missing_ok=True)
        self._forget_best(-1)

    def save(self, state: Mapping[str, Any], best_epoch: int) -> None:
        """Write the checkpoint, then forget the weights that are no longer the best: in this order nothing is lost."""
        save_state(self.checkpoint, state)
        self._forget_best(best_epoch)

    def keep_best(self, network: nn.Module, epoch: int) -> None:
        """Write the weights of `epoch`."""
        save_weights(network, self.best(epoch))

    def load_best(self, network: nn.Module, epoch: int) -> None:
        """Put the weights of the best epoch into `network`.

        Raises
        ------
        ModelError
            When they are not there or damaged.
        """
        try:
            network.load_state_dict(load_file(self.best(epoch)))
        except (OSError, SafetensorError, RuntimeError) as fault:
            raise ModelError(f"{self.best(epoch)}: the weights are gone or damaged: train without --resume.") from fault

    def load(self, identity: Mapping[str, Any], device: str) -> dict[str, Any] | None:
        """Return the state to go on from, None where there is none yet.

        Parameters
        ----------
        identity
            What the run must have been started with: settings, data. A checkpoint of another run is refused.
        device
            Where the tensors go.

        Raises
        ------
        ModelError
            When the checkpoint is damaged or of another run.
        """
        if not self.checkpoint.exists():
            return None
        state = load_state(self.checkpoint, device)
        before = state.get("identity", {})
        if not isinstance(before, dict):
            raise ModelError(f"{self.checkpoint}: the checkpoint is damaged: train without --resume.")
        changed = [name for name in identity if before.get(name) != identity[name]]
        if changed:
            raise ModelError(
                f"{self.checkpoint} is of a run with another {changed[0]} ({before.get(changed[0])!r}, now "
                f"{identity[changed[0]]!r}): take the same, another --out, or train without --resume."
            )
        return state

    def _forget_best(self, keep: int) -> None:
        for path in self.folder.glob("best_epoch_*.safetensors"):
            if path != self.best(keep):
                path.unlink(missing_ok=True)
