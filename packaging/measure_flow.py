"""How far RAFT, DIS and Farnebäck's flow are off on simulated speckle of a new seed, and how long a clip takes each.

Example: python packaging/measure_flow.py --seed 77 --pairs 60 --json flow.json
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from lsgui.core.errors import LsguiError
from lsgui.core.label import SlidingLabel
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.finer_strip import FinerStrip, worth_finer
from lsgui.imaging.flow_map import relative_flow_map
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.inference.map_pipeline import FINER, flow_solver
from lsgui.inference.protocol import FlowChoice
from lsgui.models.raft import load_raft
from lsgui.simulation.clip import SimulatedClip, simulate_clip
from lsgui.simulation.draw import random_spec
from lsgui.training.raft.table import SMOOTH_PX, as_markdown, as_metrics, measure, verdict_sentences


@dataclass(frozen=True, slots=True)
class Timing:
    """What the flow map of one clip takes: its size, and the seconds that each method needs for it, side by side."""

    clip_s: float
    maps: int
    strip: tuple[int, int]
    dis_s: float
    raft_s: float
    threads: int


def time_clip(seed: int, weights: str) -> Timing:
    """Return how long the flow map of one simulated clip takes by DIS and by RAFT, both on the band alone."""
    made = simulate_clip(random_spec(np.random.default_rng(seed), SlidingLabel.LS_P, "sliding"), seed)
    strip = _strip(made)
    seconds, maps = {}, 0
    for choice in (FlowChoice("dis"), FlowChoice("raft", 0, weights)):
        solver = flow_solver(choice, "cpu")
        begun = time.perf_counter()
        if choice.method == "raft" and worth_finer(strip.pitch_mm, made.mm_per_px):
            finer = FinerStrip(made.frames, (0, 0), made.roi, made.mm_per_px, strip, FINER)
            solver = replace(solver, look=finer)
        flow = relative_flow_map(strip, made.mm_per_px, solver=solver)
        seconds[choice.method] = round(time.perf_counter() - begun, 3)
        maps = 0 if flow is None else len(flow.times_s)
    rows, columns = strip.frames.shape[1:]
    clip_s = round(float(strip.times_s[-1]), 2)
    return Timing(clip_s, maps, (rows, columns), seconds["dis"], seconds["raft"], torch.get_num_threads())


def _strip(made: SimulatedClip) -> PleuralStrip:
    times = np.arange(len(made.frames)) / made.fps
    return cut_strip(made.frames, (0, 0), times, made.roi, made.mm_per_px, True)


def main() -> int:
    """Measure, print the table of raft-small's card, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=77, help="seed of pairs that no training has seen (default 77)")
    parser.add_argument("--pairs", type=int, default=60, help="pairs for each row (default 60)")
    parser.add_argument("--weights", default="", help="file of RAFT weights; default: those that ship")
    parser.add_argument("--iterations", type=int, default=None, help="refinements of RAFT; default: as its card says")
    parser.add_argument("--json", type=Path, default=None, help="write the table there as well")
    asked = parser.parse_args()
    if asked.pairs < 2:
        parser.error("--pairs is at least 2: an interval needs them")
    try:
        raft = load_raft(asked.weights or None, asked.iterations)
        rows = measure(raft, asked.seed, asked.pairs)
        timing = time_clip(asked.seed, asked.weights)
    except LsguiError as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    lines = [
        f"Mean end-point error in px (mm), seed {asked.seed}; RAFT with {raft.iterations} iterations on pictures "
        f"enlarged {raft.enlarge} times; DIS smoothed with a Gaussian of {SMOOTH_PX:g} px. Intervals: 95 % bootstrap "
        "over pairs.",
        "",
        as_markdown(rows),
        "",
        " ".join(verdict_sentences(rows)),
        "",
        f"A clip of {timing.clip_s:.1f} s, {timing.maps} maps on a band of {timing.strip[0]} x {timing.strip[1]} "
        f"samples, {timing.threads} thread(s), one after the other: DIS {timing.dis_s:.2f} s, RAFT {timing.raft_s:.2f} "
        "s.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if asked.json is not None:
        said = {"seed": asked.seed, "pairs": asked.pairs, **as_metrics(rows), "clip": asdict(timing)}
        asked.json.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
