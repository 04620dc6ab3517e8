"""The checkpoints of a run's folds: under names that no two folds share, and refused to another run."""

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsgui.training.clips.checkpointing import load_state
from lsgui.training.faults import TrainingError
from lsgui.training.strip.recipe import StripRecipe
from lsgui.training.strip.windows import StripSource

FINAL, SIMULATED_ALONE = "all", "simulated"
"""Folds that are no patient's: the network that is kept, and the one that has seen simulated strips alone."""

CLIPS = "clips"
"""The entry of an identity that says which clips were trained on; all others are settings."""

_SIMPLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_FILES = "checkpoint_*.pt"

_log = logging.getLogger(__name__)


def fold_names(patients: Iterable[str]) -> dict[str, str]:
    """Return for every patient the name of the fold without that patient, fit for a file's name and no other fold's.

    It is the patient's own where that will do, otherwise what can be kept of it and a hash.
    """
    out: dict[str, str] = {}
    taken = {FINAL, SIMULATED_ALONE}
    for patient in dict.fromkeys(patients):
        name = patient
        if not _SIMPLE.fullmatch(patient) or patient.casefold() in taken:  # some disks do not tell P1 from p1
            kept = re.sub(r"[^A-Za-z0-9]+", "-", patient).strip("-")[:40]
            name = f"{kept}+{hashlib.sha256(patient.encode()).hexdigest()[:8]}"
        taken.add(name.casefold())
        out[patient] = name
    return out


def identity_of(recipe: StripRecipe, sources: Sequence[StripSource]) -> dict[str, str]:
    """Return what a resumed run must have in common with the first, by name: settings, and the clips of all folds."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(repr((source.clip, source.patient, source.source, source.strip.frames.shape)).encode())
        digest.update(source.strip.frames.tobytes())
        digest.update(source.absent.tobytes())
    return {**settings_of(recipe), CLIPS: digest.hexdigest()[:16]}


def settings_of(recipe: StripRecipe) -> dict[str, str]:
    """Return the settings that decide what is learnt."""
    return {name: str(value) for name, value in recipe if name != "checkpoint_every"}


def refuse_another_run(path: Path, state: Mapping[str, Any], identity: Mapping[str, str]) -> None:
    """Refuse a checkpoint that was not written with these settings and clips.

    Raises
    ------
    TrainingError
        One sentence that names what differs.
    """
    before = state.get("identity")
    if before is None:
        raise TrainingError(f"{path} was written by an earlier version: start anew without --resume.")
    for name, now in identity.items():
        if before.get(name) != now:
            other = "on other clips" if name == CLIPS else f"with {name}={before.get(name)}, not {now}"
            raise TrainingError(
                f"{path} is of a run {other}: give the same data and settings, or start anew without --resume."
            )


@dataclass(frozen=True, slots=True)
class FoldFiles:
    """The checkpoints of a run in `folder`, all with the same identity."""

    folder: Path
    identity: Mapping[str, str]

    def checkpoint(self, fold: str) -> Path:
        """Return the file of a fold."""
        return self.folder / f"checkpoint_{fold}.pt"

    def begin_anew(self) -> None:
        """Forget an earlier run."""
        for path in self.folder.glob(_FILES):
            path.unlink(missing_ok=True)

    def check(self) -> None:
        """See to it that all checkpoints are this run's, before any fold is trained; say so where there is none.

        Raises
        ------
        LsguiError
            When one is damaged or another run's.
        """
        found = sorted(self.folder.glob(_FILES))
        for path in found:
            refuse_another_run(path, load_state(path), self.identity)
        if not found:
            _log.warning("%s: there is no checkpoint to go on from: training begins anew.", self.folder)
