"""Test clips of a patient left out: the clip as recorded, edits of it, corruptions of both, ready to be judged."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.motion_index import MotionEvidence, motion_index
from lsgui.imaging.quality import clip_flags, line_flags, repeated_share
from lsgui.imaging.square_cutter import wall_in_pixels
from lsgui.imaging.strip_flags import strip_flags
from lsgui.simulation.corruption import CORRUPTIONS, SLOW_HZ, corrupt, frames_at_rate
from lsgui.simulation.edited_clip import ClipEdit, edit_clip, edited_line
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.labelled_clip import LabelledClip, edited, read_row

Kind = ClipEdit | Literal["original", "absent", "mirror_matched"]
ORIGINAL: Literal["original"] = "original"
ABSENT: Literal["absent"] = "absent"
"""A patient's clip of absent sliding as recorded; nothing is edited of it."""

PRESENT_KINDS: tuple[Kind, ...] = (ORIGINAL, "sham")
CORRUPTED_KINDS: tuple[Kind, ...] = (ORIGINAL, ABSENT, "hard_pulse", "mirror")
"""What is corrupted as well: clips as recorded, and the edits that are hardest to tell from it."""

TESTED_EDITS: tuple[ClipEdit, ...] = ("sham", "frozen", "hard", "hard_pulse", "hard_drift", "mirror", "line_kept")
MIRROR_MATCHED: Literal["mirror_matched"] = "mirror_matched"
"""The mirror with the brightness and contrast of the lung in whose place it stands."""

EDIT_SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class StripCase:
    """A strip whose label is known, with all that the rule of the verdict looks at beside the network.

    Attributes
    ----------
    kind
        "original", "absent", the name of an edit, or a scenario of the simulator.
    corruption
        What was done to the picture afterwards; empty for nothing.
    absent
        Whether sliding is absent.
    flags
        Quality flags of clip, line and strip.
    true_fps
        Different frames a second.
    """

    clip: str
    patient: str
    kind: str
    corruption: str
    absent: bool
    strip: PleuralStrip
    evidence: MotionEvidence
    flags: tuple[QualityFlag, ...]
    true_fps: float


def cases_of_row(row: DatasetRow) -> Iterator[StripCase]:
    """Yield the cases of a patient's clip, the clip as recorded first, and edits where it slides.

    The edits are made in the pictures and cut anew, wall following included: nothing is shared with the edits that
    training makes in strip space.
    """
    recorded = read_row(row)
    strip = recorded.strip()
    as_it_is = ABSENT if row.absent else ORIGINAL
    yield _case(row, as_it_is, "", recorded, strip)
    yield from _corrupted_cases(row, as_it_is, recorded)
    if row.absent:
        return
    wall = wall_in_pixels(strip, recorded.roi, recorded.mm_per_px)
    for kind in TESTED_EDITS:
        labelled = _edited(recorded, kind, wall, strip.fps)
        yield _case(row, kind, "", labelled)
        yield from _corrupted_cases(row, kind, labelled)
    yield _case(row, MIRROR_MATCHED, "", edited(recorded, "mirror", EDIT_SEED, wall))


def _edited(recorded: LabelledClip, kind: ClipEdit, wall: npt.NDArray[np.float64], fps: float) -> LabelledClip:
    """Return the clip as `lsgui simulate --edit` writes it."""
    scale, count = recorded.mm_per_px, len(recorded.frames)
    frames = edit_clip(kind, recorded.frames, recorded.roi, wall, scale, fps, EDIT_SEED, recorded.inside)
    return replace(recorded, frames=frames, roi=edited_line(recorded.roi, kind, count, scale, fps, EDIT_SEED))


def _corrupted_cases(row: DatasetRow, kind: Kind, labelled: LabelledClip) -> Iterator[StripCase]:
    for corruption in CORRUPTIONS if kind in CORRUPTED_KINDS else ():
        yield _case(row, kind, corruption, _corrupted(labelled, corruption))


def _corrupted(labelled: LabelledClip, kind: str) -> LabelledClip:
    frames, times = corrupt(kind, labelled.frames, labelled.times_s, EDIT_SEED)
    roi = labelled.roi
    if len(times) < len(labelled.times_s) and len(roi.keyframes) > 1:
        kept = frames_at_rate(labelled.times_s, SLOW_HZ)
        places = {int(np.searchsorted(kept, k).clip(0, len(kept) - 1)): line for k, line in roi.keyframes}
        roi = PleuralROI(tuple(sorted(places.items(), key=lambda item: item[0])), roi.source, roi.confidence)
    return replace(labelled, frames=frames, times_s=times - times[0], roi=roi)


def _case(
    row: DatasetRow, kind: Kind, corruption: str, labelled: LabelledClip, strip: PleuralStrip | None = None
) -> StripCase:
    strip = strip or labelled.strip()
    evidence = motion_index(strip)
    of_strip = strip_flags(strip, evidence, labelled.line_path_mm())
    return StripCase(
        clip=row.clip.name,
        patient=row.patient,
        kind=kind,
        corruption=corruption,
        absent=kind not in PRESENT_KINDS,
        strip=strip,
        evidence=evidence,
        flags=tuple(dict.fromkeys((*_picture_flags(row.clip, labelled, strip.fps), *of_strip))),
        true_fps=_true_fps(labelled.frames, strip.fps),
    )


def _picture_flags(path: Path, labelled: LabelledClip, fps: float) -> tuple[QualityFlag, ...]:
    count, height, width = labelled.frames.shape
    store = MemoryFrames(labelled.frames)
    clip = Clip(ClipInfo(path, "frames", count, width, height, fps, "file"), store)
    return (*clip_flags(clip), *line_flags(store, labelled.roi, range(count), labelled.mm_per_px))


def _true_fps(frames: npt.NDArray[np.uint8], fps: float) -> float:
    coarse = frames[:, ::2, ::2].astype(np.int16)
    changes = np.abs(np.diff(coarse, axis=0)).mean(axis=(1, 2)).astype(np.float64)
    return fps * (1.0 - repeated_share([changes], fps))
