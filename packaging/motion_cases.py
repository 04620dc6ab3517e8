"""Clips whose sliding is known, measured by every sign of the motion index and by the measures it is compared with.

Recorded and edited clips are those of `lsgui.training.strip.cases`: real sliding clips, edits of them that stand in for
absent sliding, and both once more after a corruption. Simulated clips are those that `lsgui simulate` draws.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.atomic_file import write_atomic
from lsgui.core.strip import PleuralStrip
from lsgui.imaging import flow_map, motion_features, patch_change, strip_channels, strip_cutter, wall_tracker
from lsgui.imaging.motion_features import FEATURES, MIDDLE, NEAR, clip_features
from lsgui.imaging.patch_change import SHORT, USUAL, PatchChange
from lsgui.imaging.strip_channels import NOISE_VARIANCE, PATCH, sample_moments
from lsgui.simulation import anatomy, clip, corruption, draw, edited_clip, motion, scanner, spec, speckle
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.sources import read_dataset, simulated_source
from lsgui.training.strip import cases
from lsgui.training.strip.cases import cases_of_row

REAL, SIMULATED = "real", "simulated"
SLIDING_CLIPS = Path(__file__).parents[1] / "trained_models" / "cmwru-strip" / "sliding_clips.csv"
GREY_LEVELS = 16
MEASURES = ("correlation ratio", "flow speed", "tracked travel", "temporal variance", "M-mode entropy")
"""What else has been called a sign of sliding: each is measured alone, of the lung against the wall."""

_OF_STRIPS = (flow_map, motion_features, patch_change, strip_channels, strip_cutter, wall_tracker)
_OF_CLIPS = (anatomy, clip, corruption, draw, edited_clip, motion, scanner, spec, speckle, cases)


@dataclass(frozen=True, slots=True)
class MotionCase:
    """One clip: where it comes from, what is known of it, and what was measured (NaN where nothing could be)."""

    group: str
    clip: str
    patient: str
    kind: str
    corruption: str
    absent: bool
    signs: tuple[float, ...]
    measures: tuple[float, ...]


def real_cases(clips: Path, cache: Path, jobs: int) -> list[MotionCase]:
    """Return the recorded, edited and corrupted clips of a folder with pleura.json."""
    rows = [row for row in read_dataset(clips, SLIDING_CLIPS) if not row.absent]
    return _kept(cache / f"real_{_digest()}.json", lambda: _parallel(_cases_of_clip, jobs, rows))


def simulated_cases(seed: int, count: int, cache: Path, jobs: int) -> list[MotionCase]:
    """Return `count` simulated clips of a seed, every other one absent."""
    path = cache / f"simulated_{seed}_{count}_{_digest()}.json"
    return _kept(path, lambda: _parallel(_simulated_case, jobs, range(count), repeat(seed)))


def _kept(path: Path, make: Callable[[], Iterator[list[MotionCase]]]) -> list[MotionCase]:
    """Return what a file keeps, else what `make` gives, which the file then keeps."""
    if not path.is_file():
        made = [asdict(case) for part in make() for case in part]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(made).encode("utf-8"))
    return [
        MotionCase(**{**kept, "signs": tuple(kept["signs"]), "measures": tuple(kept["measures"])})
        for kept in json.loads(path.read_text(encoding="utf-8"))
    ]


def _parallel(
    work: Callable[..., list[MotionCase]], jobs: int, *arguments: Iterable[Any]
) -> Iterator[list[MotionCase]]:
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, *arguments)


def _digest() -> str:
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in (*_OF_STRIPS, *_OF_CLIPS))
    return hashlib.sha256(text).hexdigest()[:12]


def _cases_of_clip(row: DatasetRow) -> list[MotionCase]:
    return [
        MotionCase(REAL, case.clip, case.patient, case.kind, case.corruption, case.absent, *_measured(case.strip))
        for case in cases_of_row(row)
    ]


def _simulated_case(index: int, seed: int) -> list[MotionCase]:
    source = simulated_source(index, seed)
    absent = bool(source.absent.mean() > 0.5)
    return [MotionCase(SIMULATED, source.clip, source.clip, source.scenario, "", absent, *_measured(source.strip))]


def _measured(strip: PleuralStrip) -> tuple[tuple[float, ...], tuple[float, ...]]:
    change = patch_change.patch_change(strip)
    if change is None:
        return (float("nan"),) * len(FEATURES), (float("nan"),) * len(MEASURES)
    signs = clip_features(change, flow_map.relative_flow_map(replace(strip, calibrated=True), 1.0))
    others = (_correlation_ratio(change), signs.speed, signs.travel, _variance(strip, change), _entropy(strip))
    return tuple(float(v) for v in signs.values()), tuple(float(v) for v in others)


def _correlation_ratio(change: PatchChange) -> float:
    """Return the log of the lung's median change over 0.23 s against the wall's."""
    lung, wall = (1.0 - change.likeness[USUAL][part] for part in (_lung(change), change.wall))
    if not (np.isfinite(lung).any() and np.isfinite(wall).any()):
        return float("nan")
    return float(np.log(np.nanmedian(lung) + 0.02) - np.log(np.nanmedian(wall) + 0.02))


def _variance(strip: PleuralStrip, change: PatchChange) -> float:
    """Return the log of the lung's variance over time against the wall's, each against its own texture."""
    frames = strip.frames[sample_moments(strip.times_s)].astype(np.float32)
    mean = frames.mean(axis=0)
    texture = cv2.blur(mean**2, (PATCH, PATCH)) - cv2.blur(mean, (PATCH, PATCH)) ** 2
    varies = np.log(cv2.blur(frames.var(axis=0), (PATCH, PATCH)) / (np.maximum(texture, 0.0) + NOISE_VARIANCE) + 0.02)
    of_patch = varies[change.row + strip.pleura_row, change.column]
    if not (_lung(change).any() and change.wall.any()):
        return float("nan")
    return float(np.median(of_patch[_lung(change)]) - np.median(of_patch[change.wall]))


def _entropy(strip: PleuralStrip) -> float:
    """Return the entropy over time of grey levels in M-modes, lung less wall, in bits."""
    frames = strip.frames[sample_moments(strip.times_s)] // (256 // GREY_LEVELS)
    counts = np.stack([(frames == level).sum(axis=0) for level in range(GREY_LEVELS)])
    share = counts / len(frames)
    bits = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=0)
    line = strip.pleura_row
    lung, wall = bits[line + NEAR[0] : line + MIDDLE[1]], bits[2 : line - 3]
    inside = strip.valid[line + NEAR[0] : line + MIDDLE[1]], strip.valid[2 : line - 3]
    if not (inside[0].any() and inside[1].any()):
        return float("nan")
    return float(lung[inside[0]].mean() - wall[inside[1]].mean())


def _lung(change: PatchChange) -> npt.NDArray[np.bool_]:
    return change.between(NEAR[0], MIDDLE[1]) & np.isfinite(change.likeness[SHORT]).any(axis=1)
