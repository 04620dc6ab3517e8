"""Where training clips come from: labelled folders in either layout, and the simulator; and the strips cut of them."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from lsgui.core.errors import DatasetError, LsguiError
from lsgui.core.label import SlidingLabel
from lsgui.imaging.probe_motion import line_path_mm
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.draw import random_spec
from lsgui.training.data.data_folder import read_folder
from lsgui.training.data.dataset_rows import EDITED, SIMULATED, DatasetRow, edited_rows
from lsgui.training.data.labelled_clip import LabelledClip, read_row
from lsgui.training.strip.windows import StripSource

__all__ = [
    "DatasetRow",
    "LabelledClip",
    "dataset_sources",
    "edited_rows",
    "is_recorded",
    "read_dataset",
    "read_row",
    "simulated_source",
    "simulated_sources",
]

_log = logging.getLogger(__name__)


def read_dataset(folder: Path, index: Path | None = None) -> tuple[DatasetRow, ...]:
    """Return the rows of `read_folder`; clips that are missing are told in the log."""
    found = read_folder(folder, index)
    if found.note:
        _log.warning("%s", found.note)
    return found.rows


def dataset_sources(rows: Sequence[DatasetRow]) -> list[StripSource]:
    """Return a source for every row whose clip can be used; the log tells which are left out and why.

    Sliding clips as recorded are those from which negatives are made.

    Raises
    ------
    DatasetError
        When no clip can be used.
    """
    found, faults = [], []
    for row in rows:
        try:
            found.append(_source_of(row))
        except LsguiError as fault:
            faults.append(str(fault))
    if not found:
        raise DatasetError(faults[0] if faults else "There are no clips to train on: the set is empty.")
    for sentence in dict.fromkeys(faults):
        _log.warning("left out: %s", sentence)
    return found


def _source_of(row: DatasetRow) -> StripSource:
    labelled = read_row(row)
    strip = labelled.strip()
    label = np.full((len(strip.times_s), strip.frames.shape[2]), float(row.absent), dtype=np.float32)
    edited = is_recorded(row) and not row.absent
    return StripSource(
        strip, row.patient, row.clip.name, row.source, label, edited, row=row, line_path_mm=labelled.line_path_mm()
    )


def is_recorded(row: DatasetRow) -> bool:
    """Return whether a row is a patient's clip as it was recorded, not an edit and not simulated."""
    return row.source not in (SIMULATED, EDITED)


def simulated_sources(count: int, seed: int, report: Callable[[int, int], None] | None = None) -> Iterator[StripSource]:
    """Yield strips of freshly simulated clips, half of them absent, cut with the scale error that real clips have.

    Parameters
    ----------
    report
        Called with (done, count) after each clip.
    """
    for index in range(count):
        yield simulated_source(index, seed)
        if report is not None:
            report(index + 1, count)


def simulated_source(index: int, seed: int) -> StripSource:
    """Return the strip of one simulated clip: sliding for an even index, absent for an odd one."""
    rng = np.random.default_rng((seed, index))
    label = SlidingLabel.LS_A if index % 2 else SlidingLabel.LS_P
    clip = simulate_clip(random_spec(rng, label), int(rng.integers(2**31)))
    times = np.arange(len(clip.frames)) / clip.fps
    scale = clip.mm_per_px * float(np.exp(rng.normal(0.0, 0.12)))
    strip = cut_strip(clip.frames, (0, 0), times, clip.roi, scale, calibrated=False)
    columns = np.linspace(0, clip.sliding.shape[1] - 1e-6, strip.frames.shape[2]).astype(int)
    absent = (~clip.sliding[:, columns]).astype(np.float32)
    name = f"simulated_{seed}_{index:04d}"
    path = line_path_mm(clip.roi, 0, len(clip.frames), scale)
    return StripSource(strip, name, name, SIMULATED, absent, edited=False, scenario=clip.scenario, line_path_mm=path)
