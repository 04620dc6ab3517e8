"""Flow: DIS and RAFT on the band below the line, beside the same on full frames; errors against the true motion."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from lsgui.bench.rows import Area, BenchRow, Bound, Target, Tell, row_of
from lsgui.bench.sample_clips import SEED, moving_texture, sample_spec, simulate_sample
from lsgui.bench.timing import SideBySide, Timed, side_by_side, timed
from lsgui.core.pleura import PleuralROI, resample_polyline
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.finer_strip import FinerStrip
from lsgui.imaging.flow_map import DEPTH_MM, DIS, LAG_S, MAPS_PER_S, WALL_GAP_MM, FlowSolver, relative_flow_map
from lsgui.imaging.strip_cutter import cut_strip, strip_grid
from lsgui.inference.device import resolve_device
from lsgui.inference.map_pipeline import FINER, flow_solver
from lsgui.inference.protocol import FlowChoice
from lsgui.inference.raft_serving import MAP_ITERATIONS, raft_for_maps
from lsgui.models.raft import load_raft
from lsgui.simulation.clip import SimulatedClip, simulate_clip

RAFT_TIMES, MAP_LIMIT_S, ERROR_SHARE = 4.0, 1.0, 1.05
TORCHVISION_UPDATES = 12

Floats = npt.NDArray[np.float32]
FullFlow = Callable[[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], Floats]
"""From two frames (H, W) to the motion between them, (H, W, 2) in pixels."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    width: int = 640
    height: int = 480
    frames: int = 300
    pair_step: int = 9
    pairs: int = 4
    rounds: int = 4
    line_share: float = 1.0
    iterations: tuple[int, ...] = (1, 2, 3, 6)


_FULL = Extent()
_QUICK = Extent(176, 144, 10, 2, 1, 1, 0.25, (1,))
_FPS = 30.0


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Seconds a pair, and mean end-point errors of the same pairs in pixels of the file.

    Attributes
    ----------
    dis, raft
        A pair: the shipped way on the band beside OpenCV's and torchvision's own on full frames.
    dis_map, dis_alone
        The heat map of a whole clip from its strip on, and what OpenCV's DIS takes of that.
    clip_pairs
        Pairs of that clip.
    errors
        By name.
    by_iterations
        RAFT's error on the band after so many refinements.
    """

    extent: Extent
    threads: int
    dis: SideBySide
    raft: SideBySide
    dis_map: Timed
    dis_alone: Timed
    clip_pairs: int
    errors: dict[str, float]
    by_iterations: dict[int, float]

    def as_json(self) -> dict[str, Any]:
        """Return the `flow` object of the contract and what stands behind it."""
        raft_clip = self.clip_pairs * self.raft.shipped.median_s
        return {
            "flow": {
                "dis_ms": 1000 * self.dis.shipped.best_s,
                "dis_ms_per": "pair, on the band",
                "raft_s": raft_clip,
                "raft_s_per": f"clip of {self.extent.frames} frames: {self.clip_pairs} pairs of the median second, "
                f"of {self.raft.shipped.runs} timed",
                "raft_reference_s": self.clip_pairs * self.raft.reference.median_s,
                "raft_speedup": self.raft.faster_by,
                "raft_pair": self.raft.as_json(),
                "raft_iterations": MAP_ITERATIONS,
                "raft_reference_iterations": TORCHVISION_UPDATES,
                "raft_epe_px_by_iterations": self.by_iterations,
                "dis_pair": self.dis.as_json(),
                "dis_map_s": self.dis_map.best_s,
                "dis_map_of_which_opencv_s": self.dis_alone.best_s,
                "frame": [self.extent.width, self.extent.height],
                "pairs_with_known_motion": self.extent.pairs,
                "threads": self.threads,
                **{f"{name}_epe_px": error for name, error in self.errors.items()},
            }
        }

    def rows(self) -> list[BenchRow]:
        """Return the rows."""
        size = f"{self.extent.width} x {self.extent.height}"
        errors = self.errors
        allowed = ERROR_SHARE * errors["raft_reference"]
        return [
            row_of(
                Area.FLOW,
                "RAFT, a pair",
                self.raft,
                against=f"torchvision, {size}",
                target=RAFT_TIMES,
                note=f"{MAP_ITERATIONS} refinements on the band, {TORCHVISION_UPDATES} on the frame",
            ),
            BenchRow(
                Area.FLOW,
                "RAFT, end-point error",
                errors["raft"],
                "px",
                errors["raft_reference"],
                f"torchvision, {size}",
                target=Target(Bound.AT_MOST, allowed),
                note=f"{self.extent.pairs} pairs of known motion; motion {errors['still']:.1f} px",
            ),
            row_of(Area.FLOW, "DIS, a pair", self.dis, against=f"OpenCV, {size}", unit="ms"),
            BenchRow(
                Area.FLOW, "DIS, end-point error", errors["dis"], "px", errors["dis_reference"], f"OpenCV, {size}"
            ),
            BenchRow(
                Area.FLOW,
                f"DIS heat map, {self.extent.frames} frames",
                self.dis_map.best_s,
                "s",
                target=Target(Bound.AT_MOST, MAP_LIMIT_S),
                note=f"{self.dis_alone.best_s:.2f} s of it is OpenCV's DIS",
            ),
        ]


def measure(tell: Tell, quick: bool) -> FlowFigures:
    """Simulate a clip whose lung moves by a known way, and follow it in four ways."""
    resolve_device("cpu")
    extent = _QUICK if quick else _FULL
    tell("Simulating a lung of known motion", 0.0)
    scene = _Scene.simulated(extent)
    raft = flow_solver(FlowChoice("raft"), "cpu")
    ours = {"dis": DIS, "raft": replace(raft, look=scene.finer)}
    theirs: dict[str, FullFlow] = {"dis": _opencv_flow, "raft": _torchvision_flow()}
    found: dict[str, SideBySide] = {}
    errors = {"still": scene.error(np.zeros((extent.pairs, *scene.strip.frames.shape[1:], 2), np.float32))}
    for part, name in enumerate(("dis", "raft")):
        tell(f"{name.upper()} on the band and on full frames", 0.2 + 0.3 * part)
        ours[name].motion(scene.strip, scene.firsts[:1], scene.lag)  # the engine is chosen and warmed
        found[name], errors[name], errors[f"{name}_reference"] = _beside(scene, ours[name], theirs[name], extent)
    tell("RAFT with other refinements", 0.75)
    by_iterations = {count: scene.error(_refined(scene, ours["raft"], count)) for count in extent.iterations}
    tell("The heat map of a clip", 0.85)
    strip, mm_per_px, firsts, lag = _clip_strip(extent)
    rounds = 1 if quick else 5
    return FlowFigures(
        extent=extent,
        threads=torch.get_num_threads(),
        dis=found["dis"],
        raft=found["raft"],
        dis_map=timed(partial(relative_flow_map, strip, mm_per_px), rounds),
        dis_alone=timed(partial(_dis_of_all, strip, firsts, lag), rounds),
        clip_pairs=len(firsts),
        errors=errors,
        by_iterations=by_iterations,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A clip of known motion, its strip, and pairs of its frames."""

    made: SimulatedClip
    roi: PleuralROI
    strip: PleuralStrip
    finer: FinerStrip
    firsts: npt.NDArray[np.int64]
    lag: int
    truth_mm: npt.NDArray[np.float64]

    @classmethod
    def simulated(cls, extent: Extent) -> "_Scene":
        lag = max(1, round(LAG_S * _FPS))
        count = 2 + extent.pairs * extent.pair_step + lag
        made = simulate_clip(moving_texture(sample_spec(count, extent.width, extent.height, _FPS)), SEED)
        times = np.arange(len(made.frames)) / _FPS
        ends = 0.5 + 0.5 * extent.line_share * np.array([-1.0, 1.0])
        line = resample_polyline(made.roi.polyline, 101)[round(100 * ends[0]) : round(100 * ends[1]) + 1]
        roi = PleuralROI(((0, line),))
        strip = cut_strip(made.frames, (0, 0), times, roi, made.mm_per_px, True)
        finer = FinerStrip(made.frames, (0, 0), roi, made.mm_per_px, strip, FINER)
        firsts = 2 + extent.pair_step * np.arange(extent.pairs)
        stretches, columns = made.flow_mm.shape[1], strip.frames.shape[2]
        middles = (np.arange(stretches) + 0.5) / stretches
        along = ends[0] + (np.arange(columns) + 0.5) / columns * (ends[1] - ends[0])
        moved = [made.flow_mm[k + 1 : k + 1 + lag].sum(axis=0) for k in firsts]
        truth = np.stack([np.interp(along, middles, way) for way in moved])
        return cls(made, roi, strip, finer, firsts, lag, truth)

    def error(self, flow: Floats) -> float:
        """Return the mean error of the motion of all pairs, (pairs, D, S, 2) in samples, in pixels of the file."""
        first = self.strip.pleura_row + round(WALL_GAP_MM / self.strip.pitch_mm)
        below = flow[:, first : self.strip.pleura_row + round(DEPTH_MM / self.strip.pitch_mm)] * self.strip.pitch_mm
        off = np.hypot(below[..., 0] - self.truth_mm[:, None], below[..., 1])
        return float(off.mean()) / self.made.mm_per_px

    def on_strip(self, flow: Floats) -> Floats:
        """Return a flow of a full frame (H, W, 2), in pixels, at the places of the strip and in its samples."""
        points = strip_grid(self.roi.polyline, self.strip.frames.shape[2], self.made.mm_per_px).points
        there = cv2.remap(flow, points[..., 0], points[..., 1], cv2.INTER_LINEAR)
        return np.asarray(there * (self.made.mm_per_px / self.strip.pitch_mm), dtype=np.float32)


def _beside(scene: _Scene, ours: FlowSolver, theirs: FullFlow, extent: Extent) -> tuple[SideBySide, float, float]:
    """Time both ways pair by pair; return the times and both mean errors over all pairs."""
    mine: dict[int, Floats] = {}
    full: dict[int, Floats] = {}
    turns = {name: cycle(range(extent.pairs)) for name in ("mine", "full")}
    frames, lag = scene.made.frames, scene.lag

    def shipped() -> None:
        at = next(turns["mine"])
        mine[at] = ours.motion(scene.strip, scene.firsts[at : at + 1], lag)[0]

    def reference() -> None:
        at = next(turns["full"])
        full[at] = theirs(frames[scene.firsts[at]], frames[scene.firsts[at] + lag])

    times = side_by_side(reference, shipped, max(extent.rounds, extent.pairs), warm=0)
    everywhere = range(extent.pairs)
    return (
        times,
        scene.error(np.stack([mine[at] for at in everywhere])),
        scene.error(np.stack([scene.on_strip(full[at]) for at in everywhere])),
    )


def _refined(scene: _Scene, solver: FlowSolver, iterations: int) -> Floats:
    """Return the motion of all pairs by the program's RAFT with so many refinements."""
    raft = raft_for_maps(None, "cpu")
    usual, raft.iterations = raft.iterations, iterations
    try:
        return np.concatenate([solver.motion(scene.strip, pair, scene.lag) for pair in scene.firsts[:, None]])
    finally:
        raft.iterations = usual


def _opencv_flow(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> Floats:
    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(solver.calc(before, after, None), dtype=np.float32)


def _torchvision_flow() -> FullFlow:
    """Return torchvision's own call with the shipped weights: eager, on the frames as they are, its default updates."""
    network = load_raft(None).network

    def flow(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> Floats:
        one, other = (
            (torch.from_numpy(np.array(frame)).float() / 127.5 - 1.0).expand(1, 3, -1, -1).contiguous()
            for frame in (before, after)
        )
        with torch.inference_mode():
            found = network(one, other)[-1][0]
        return np.asarray(found.permute(1, 2, 0).contiguous().numpy(), dtype=np.float32)

    return flow


def _clip_strip(extent: Extent) -> tuple[PleuralStrip, float, npt.NDArray[np.int64], int]:
    """Return the strip of a whole clip, its scale, and the pairs that its map is made of."""
    made, order = simulate_sample(extent.frames, extent.width, extent.height, _FPS)
    frames = made.frames[list(order)]
    strip = cut_strip(frames, (0, 0), np.arange(len(frames)) / _FPS, made.roi, made.mm_per_px, True)
    lag = max(1, round(LAG_S * strip.fps))
    firsts = np.arange(0, len(frames) - lag, max(1, round(strip.fps / MAPS_PER_S)), dtype=np.int64)
    return strip, made.mm_per_px, firsts, lag


def _dis_of_all(strip: PleuralStrip, firsts: npt.NDArray[np.int64], lag: int) -> None:
    DIS.motion(strip, firsts, lag)
