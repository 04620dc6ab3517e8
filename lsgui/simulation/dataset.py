"""A labelled folder of simulated clips with their ground truth.

OUT/dataset.csv            clip,label,patient,source,start,stop,roi
OUT/<clip>                 the clip: file or folder of frames
OUT/roi/<clip>.json        its pleural line, with `mm_per_px`
OUT/truth/<clip>.json      label of every moment and stretch, line of every frame, true flow, all parameters
"""

import csv
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from lsgui.core.atomic_file import atomic_file, write_atomic
from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.simulation.clip import STRETCHES, SimulatedClip, simulate_clip
from lsgui.simulation.clip_files import WRITERS, write_clip
from lsgui.simulation.draw import random_spec
from lsgui.simulation.spec import ClipSpec

COLUMNS = ("clip", "label", "patient", "source", "start", "stop", "roi")
SOURCE = "simulated"
CLIPS_PER_PATIENT = 3


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """One clip of a data set before it is made."""

    index: int
    name: str
    patient: str
    spec: ClipSpec
    seed: int


def plan_clip(seed: int, index: int) -> PlannedClip:
    """Return clip `index` of the data set that `seed` names.

    Clips are planned one by one, so that a longer data set of the same seed begins with the shorter one. Of each pair
    of clips one is ls_a and one ls_p, in random order; clips of one patient share chest wall, pleura and scanner.
    """
    pair_rng = np.random.default_rng([seed, 1, index // 2])
    absent_first = bool(pair_rng.integers(2))
    label = SlidingLabel.LS_A if absent_first == (index % 2 == 0) else SlidingLabel.LS_P
    patient = index // CLIPS_PER_PATIENT
    body = random_spec(np.random.default_rng([seed, 2, patient]))
    rng = np.random.default_rng([seed, 3, index])
    spec = random_spec(rng, label)
    places = tuple(b * body.picture.width / spec.picture.width for b in spec.lung.b_lines)
    level = spec.lung.haze_db - spec.wall.level_db + body.wall.level_db
    spec = replace(
        spec,
        picture=replace(body.picture, seconds=spec.picture.seconds),
        wall=body.wall,
        pleura=body.pleura,
        scanner=replace(body.scanner, gain_steps=spec.scanner.gain_steps, black_lead_in=spec.scanner.black_lead_in),
        lung=replace(spec.lung, b_lines=places, haze_db=level),
    )
    return PlannedClip(index, f"sim_{index:04d}", f"SIM{patient:04d}", spec, int(rng.integers(2**31)))


def write_dataset(out: Path, clips: int, seed: int, format_name: str = "avi", jobs: int = 1) -> Iterator[str]:
    """Make a data set in an empty folder; yields the name of each clip as it is done. Take all, or it is not finished.

    Parameters
    ----------
    out
        A folder that does not exist yet or is empty.
    clips, seed
        How many, and which. The same seed gives the same frames.
    format_name
        "png", "avi" or "dicom".
    jobs
        Processes to work in.

    Raises
    ------
    DatasetError
        When the folder is not empty or cannot be written, or the format is unknown.
    """
    if clips < 1:
        raise DatasetError("A data set needs at least one clip: ask for --clips 1 or more.")
    if format_name not in WRITERS:
        raise DatasetError(f"There is no clip format {format_name!r}: choose one of {', '.join(WRITERS)}.")
    _claim(out)
    return _write(out, clips, seed, format_name, jobs)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise DatasetError(f"{out} cannot be written ({fault.strerror}): choose another folder.") from fault


def _claim(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise DatasetError(f"{out} is a file: name a new folder.")
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise DatasetError(f"{out} is not empty: name a new folder.")
        (out / "roi").mkdir()
        (out / "truth").mkdir()


def _write(out: Path, clips: int, seed: int, format_name: str, jobs: int) -> Iterator[str]:
    rows = []
    for row in _rows(out, clips, seed, format_name, jobs):
        rows.append(row)
        yield row["clip"]
    with _writing(out), atomic_file(out / "dataset.csv", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)


def _rows(out: Path, clips: int, seed: int, format_name: str, jobs: int) -> Iterator[dict[str, str]]:
    """Make all clips and yield their rows of the table in order."""
    if jobs <= 1 or clips == 1:
        for index in range(clips):
            yield make_clip(out, seed, index, format_name)
        return
    # spawned, not forked: the same on every system, and OpenCV's threads do not survive a fork
    with ProcessPoolExecutor(min(jobs, clips), multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(make_clip, repeat(out), repeat(seed), range(clips), repeat(format_name))


def make_clip(out: Path, seed: int, index: int, format_name: str) -> dict[str, str]:
    """Make one clip of a data set with its line and truth, and return its row of the table."""
    plan = plan_clip(seed, index)
    clip = simulate_clip(plan.spec, plan.seed)
    path = write_clip(out / plan.name, clip, plan.patient, format_name)
    with _writing(out):
        roi = {**clip.roi.to_json(), "mm_per_px": clip.mm_per_px}
        write_atomic(out / "roi" / f"{plan.name}.json", json.dumps(roi).encode())
        write_atomic(out / "truth" / f"{plan.name}.json", json.dumps(truth(clip, plan)).encode())
    return {
        "clip": path.name,
        "label": clip.label.value,
        "patient": plan.patient,
        "source": SOURCE,
        "start": str(clip.spec.scanner.black_lead_in),
        "stop": str(len(clip.frames)),
        "roi": f"roi/{plan.name}.json",
    }


def truth(clip: SimulatedClip, plan: PlannedClip) -> dict[str, Any]:
    """Return all that is known of a clip, as plain mappings.

    `sliding` holds one string a frame with one digit a stretch of pleura (1: the lung is free to slide there),
    `flow_mm_s` one list a frame, `pleura` the line of every frame.
    """
    speed = np.abs(clip.flow_mm_s)
    return {
        "clip": plan.name,
        "label": clip.label.value,
        "scenario": clip.scenario,
        "patient": plan.patient,
        "fps": clip.fps,
        "mm_per_px": clip.mm_per_px,
        "frames": len(clip.frames),
        "stretches": STRETCHES,
        "sliding": ["".join("1" if free else "0" for free in row) for row in clip.sliding],
        "flow_mm_s": np.round(clip.flow_mm_s.astype(np.float64), 2).tolist(),
        "flow_summary": {
            "peak_mm_s": round(float(speed.max()), 3),
            "mean_mm_s": round(float(speed.mean()), 3),
            "mean_mm_s_by_stretch": np.round(speed.mean(axis=0).astype(np.float64), 3).tolist(),
        },
        "pleura": [np.round(clip.roi.line_at(k), 1).tolist() for k in range(len(clip.frames))],
        "seed": plan.seed,
        "spec": plan.spec.to_json(),
    }
