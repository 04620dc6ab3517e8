"""A labelled folder of simulated clips with their ground truth.

OUT/dataset.csv            clip,label,patient,source,start,stop,roi
OUT/<clip>                 the clip: file or folder of frames
OUT/roi/<clip>.json        its pleural line, with `mm_per_px`
OUT/truth/<clip>.json      what is true of every frame and stretch of pleura

Fields of a truth file, T frames, 16 equal stretches of the pleural line counted from its first point:

clip, label, scenario      name; ls_a or ls_p (for a lung point that of the larger part); what the clip shows
patient, seed              clips of one patient share chest wall, pleura and scanner
fps, frames, mm_per_px     rate, T, true pitch of the pixels
stretches                  16
sliding                    T strings of 16 digits; 1: the lung is free to slide there, even between two breaths
flow_mm                    T x 16: how far the lung moved against the chest wall since the frame before, mm along the
                           line, positive from its first point to its last; lung pulse included
flow_mm_s                  T x 16: its speed at that moment, mm/s
flow_summary               `peak_mm_s`, `mean_mm_s`, `mean_mm_s_by_stretch` of the absolute speed
wall_mm                    T x 2: where the chest wall lies in the picture, mm (x, y) against its middle place
pleura                     T lines of 9 points (x, y) in pixels of the file
spec                       every parameter (`lsgui.simulation.spec.ClipSpec`)

Folders of PNG frames cannot say their rate: their clips are drawn at 25 frames a second, which readers assume.
Frames that are shown twice have the truth of the moment they show; black lead-in frames that of the hidden scene.
"""

import csv
import json
import multiprocessing
from collections.abc import Iterator, Sequence
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
from lsgui.simulation.clip_files import FIXED_RATES, WRITERS, write_clip
from lsgui.simulation.draw import random_spec
from lsgui.simulation.spec import SCENARIOS, ClipSpec, Scenario

COLUMNS = ("clip", "label", "patient", "source", "start", "stop", "roi")
SOURCE = "simulated"
CLIPS_PER_PATIENT = 3


Kinds = tuple[tuple[SlidingLabel, Scenario], ...]
"""What the clips of a data set may show; empty for all, in their usual shares."""


def parse_kinds(names: Sequence[str]) -> Kinds:
    """Return what clips may show from names such as "shallow" (with either label) or "ls_a/probe_drift".

    Raises
    ------
    DatasetError
        When there is no such scenario, or its label cannot have it.
    """
    every = [(label, scenario) for label, table in SCENARIOS.items() for scenario, _ in table]
    kinds: list[tuple[SlidingLabel, Scenario]] = []
    for name in names:
        label, _, scenario = name.rpartition("/")
        found = [kind for kind in every if kind[1] == scenario and label in ("", kind[0].value)]
        if not found:
            known = ", ".join(dict.fromkeys(scenario for _, scenario in every))
            raise DatasetError(
                f"There is no scenario {name!r}: choose from {known}, with ls_a/ or ls_p/ before it for one label."
            )
        kinds += found
    return tuple(dict.fromkeys(kinds))


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """One clip of a data set before it is made."""

    index: int
    name: str
    patient: str
    spec: ClipSpec
    seed: int


def plan_clip(seed: int, index: int, kinds: Kinds = ()) -> PlannedClip:
    """Return clip `index` of the data set that `seed` names.

    Clips are planned one by one, so that a longer data set of the same seed begins with the shorter one. Of each pair
    of clips one is ls_a and one ls_p, in random order, where `kinds` allows both; clips of one patient share chest
    wall, pleura and scanner.
    """
    pair_rng = np.random.default_rng([seed, 1, index // 2])
    absent_first = bool(pair_rng.integers(2))
    label = SlidingLabel.LS_A if absent_first == (index % 2 == 0) else SlidingLabel.LS_P
    patient = index // CLIPS_PER_PATIENT
    body = random_spec(np.random.default_rng([seed, 2, patient]))
    rng = np.random.default_rng([seed, 3, index])
    label, scenario = _choice(seed, index, label, kinds)
    spec = random_spec(rng, label, scenario)
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


def _choice(seed: int, index: int, label: SlidingLabel, kinds: Kinds) -> tuple[SlidingLabel, Scenario | None]:
    """Return the label and scenario of a clip; the label gives way where `kinds` has it not at all."""
    if not kinds:
        return label, None
    label = label if any(label == allowed for allowed, _ in kinds) else kinds[0][0]
    table = [(name, share) for name, share in SCENARIOS[label] if (label, name) in kinds]
    shares = np.array([share for _, share in table])
    rng = np.random.default_rng([seed, 4, index])
    return label, table[int(rng.choice(len(table), p=shares / shares.sum()))][0]


def write_dataset(
    out: Path, clips: int, seed: int, format_name: str = "avi", jobs: int = 1, kinds: Kinds = ()
) -> Iterator[str]:
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
    kinds
        What the clips may show (`parse_kinds`); empty for all.

    Raises
    ------
    DatasetError
        When the folder is not empty or cannot be written, or the format is unknown.
    """
    if clips < 1:
        raise DatasetError("A data set needs at least one clip: ask for --clips 1 or more.")
    if format_name not in WRITERS:
        raise DatasetError(f"There is no clip format {format_name!r}: choose one of {', '.join(WRITERS)}.")
    claim_folder(out)
    return _write(out, clips, seed, format_name, jobs, kinds)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Say of a folder that cannot be written so in one sentence (DatasetError)."""
    try:
        yield
    except OSError as fault:
        raise DatasetError(f"{out} cannot be written ({fault.strerror}): choose another folder.") from fault


def claim_folder(out: Path) -> None:
    """Make the folder of a data set, with those of its lines and its truth.

    Raises
    ------
    DatasetError
        When it is a file, is not empty or cannot be made.
    """
    if out.exists() and not out.is_dir():
        raise DatasetError(f"{out} is a file: name a new folder.")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise DatasetError(f"{out} is not empty: name a new folder.")
        (out / "roi").mkdir()
        (out / "truth").mkdir()


def _write(out: Path, clips: int, seed: int, format_name: str, jobs: int, kinds: Kinds) -> Iterator[str]:
    rows = []
    for row in _rows(out, clips, seed, format_name, jobs, kinds):
        rows.append(row)
        yield row["clip"]
    with writing(out), atomic_file(out / "dataset.csv", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)


def _rows(out: Path, clips: int, seed: int, format_name: str, jobs: int, kinds: Kinds) -> Iterator[dict[str, str]]:
    """Make all clips and yield their rows of the table in order."""
    if jobs <= 1 or clips == 1:
        for index in range(clips):
            yield make_clip(out, seed, index, format_name, kinds)
        return
    # spawned, not forked: the same on every system, and OpenCV's threads do not survive a fork
    with ProcessPoolExecutor(min(jobs, clips), multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(make_clip, repeat(out), repeat(seed), range(clips), repeat(format_name), repeat(kinds))


def make_clip(out: Path, seed: int, index: int, format_name: str, kinds: Kinds = ()) -> dict[str, str]:
    """Make one clip of a data set with its line and truth, and return its row of the table."""
    plan = _at_rate_of(format_name, plan_clip(seed, index, kinds))
    clip = simulate_clip(plan.spec, plan.seed)
    path = write_clip(out / plan.name, clip, plan.patient, format_name)
    with writing(out):
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


def _at_rate_of(format_name: str, plan: PlannedClip) -> PlannedClip:
    """Return a clip at the rate at which files of a format will be read, so that its motion and its truth hold."""
    fps = FIXED_RATES.get(format_name)
    if fps is None:
        return plan
    return replace(plan, spec=replace(plan.spec, picture=replace(plan.spec.picture, fps=fps)))


def truth(clip: SimulatedClip, plan: PlannedClip) -> dict[str, Any]:
    """Return all that is known of a clip, as plain mappings: the fields that the head of this file lists."""
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
        "flow_mm": np.round(clip.flow_mm.astype(np.float64), 3).tolist(),
        "wall_mm": np.round(clip.wall_mm.astype(np.float64), 3).tolist(),
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
