"""The cases of measure_flags.py: for every quality flag, clips made with its fault and clips made without it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import flag_clips as make
import numpy as np
from flag_clips import Base

from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.simulation.edited_clip import ClipEdit, edit_clip
from lsgui.simulation.spec import Scenario

LS_A, LS_P = SlidingLabel.LS_A, SlidingLabel.LS_P
_PLAIN = str.maketrans({" ": "_", "%": "p", ".": "_", ",": "", "/": "_"})


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One clip on disk.

    Attributes
    ----------
    flag, faulty
        What is looked for, and whether the clip was made with that fault.
    source
        "simulated" or "recorded" (an edit or corruption of a shared clip).
    kind
        The strength of the fault, in words.
    roi
        The line to judge along; None: the program looks for it.
    needs_line
        Whether the flag needs a line and a strip; without, `lsgui info` tells.
    needs_verdict
        Whether it needs the network and the rule as well.
    absent
        Whether sliding is truly absent; None where that does not matter.
    true_roi
        Where the line truly is, when the program looks for it; in pixels of the file.
    mm_per_px
        Scale of the picture as it was made.
    """

    flag: str
    source: str
    kind: str
    faulty: bool
    path: Path
    roi: PleuralROI | None = None
    needs_line: bool = False
    needs_verdict: bool = False
    absent: bool | None = None
    true_roi: PleuralROI | None = None
    mm_per_px: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make: where, from which seed, how many simulated clips a flag, the folder of recorded ones, how many."""

    out: Path
    seed: int
    count: int
    shared: Path | None
    most_recorded: int | None = None

    def rng(self, *key: int) -> np.random.Generator:
        """Return a source of randomness that the seed and a key name."""
        return np.random.default_rng([self.seed, *key])

    def bases(self, *, lines: bool = False) -> Iterator[tuple[str, int, Base]]:
        """Yield (source, number, clip) of all clips that faults are put into."""
        for index, base in enumerate(make.any_simulated(self.seed, self.count)):
            yield "simulated", index, base
        for index, base in self.recorded(lines=lines):
            yield "recorded", index, base

    def recorded(self, *, lines: bool) -> Iterator[tuple[int, Base]]:
        """Yield (number, clip) of the recorded clips, or of as many as are asked for, drawn by the seed."""
        if self.shared is None:
            return
        names = make.recorded_names(self.shared, lines=lines)
        chosen = range(len(names))
        if self.most_recorded is not None and self.most_recorded < len(names):
            chosen = sorted(int(k) for k in self.rng(7, lines).choice(len(names), self.most_recorded, replace=False))
        for index in chosen:
            yield index, make.recorded_clip(self.shared, names[index], lines=lines)

    def case(self, base: Base, flag: str, source: str, kind: str, faulty: bool, **more: Any) -> Case:
        """Write a clip and return its case; it has the clip's line where the flag needs one."""
        codec = more.pop("codec", "mjpeg")
        folder = self.out / flag
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / f"{source}_{base.name}_{kind}_{codec}".translate(_PLAIN)
        path = make.write(stem, base, codec)
        needs_line = more.pop("needs_line", False)
        return Case(flag, source, kind, faulty, path, base.roi if needs_line else None, needs_line, **more)


# --- flags of the file ------------------------------------------------------------------------------------------


def too_short(plan: Plan) -> Iterator[Case]:
    """Clips of less than 3 s and of a little more."""
    for source, _, base in plan.bases():
        for seconds in (1.5, 2.8, 3.2):
            if len(base.frames) >= round(seconds * base.fps):
                short = make.cut_to(base, seconds)
                yield plan.case(short, "too_short", source, f"{seconds} s", seconds < 3.0)


def low_frame_rate(plan: Plan) -> Iterator[Case]:
    """Clips at 11 and 12.5 frames a second, by the timing of a movie and by DICOM FrameTime."""
    for source, _, base in plan.bases():
        for rate in (11.0, 12.5):
            for codec in ("mjpeg", "dicom"):
                slow = make.at_rate(base, rate)
                yield plan.case(slow, "low_frame_rate", source, f"{rate:g} a second, {codec}", rate < 12.0, codec=codec)


def duplicate_frames(plan: Plan) -> Iterator[Case]:
    """Repeated frames in six patterns, each through lossy coding."""
    patterns = {"every 2nd": True, "every 3rd": True, "25 %": True, "doubled": True, "15 %": False, "none": False}
    for source, index, base in plan.bases():
        if source == "recorded" and base.name in REPEATING:
            continue
        for number, (pattern, faulty) in enumerate(patterns.items()):
            rng = plan.rng(index, number)
            odd = make.repeating(base, pattern, rng)
            for codec in rng.choice(make.CODECS, 2, replace=False):
                yield plan.case(odd, "duplicate_frames", source, f"{pattern} {codec}", faulty, codec=str(codec))


REPEATING = frozenset(
    {
        "Cov_convex_volpecelli_sonographic_v1",
        "Cov_recommendations_lightbeam_mov6",
        "Vir_prospective_file1",
        "Vir_whitelung_h1n1",
    }
)
"""Shared clips that repeat frames as they are."""


def frozen(plan: Plan) -> Iterator[Case]:
    """Still pictures, also under a clock, and living ones, also where the lung stands still."""
    for source, index, base in plan.bases():
        for number, kind in enumerate(("plain", "noise", "clock", "cursor")):
            still = make.frozen(base, kind, plan.rng(index, number))
            codec = str(plan.rng(index, number, 1).choice(("mjpeg", "h264-23", "h264-32", "mpeg4")))
            yield plan.case(still, "frozen", source, f"{kind} {codec}", True, codec=codec)
        codec = str(plan.rng(index, 5).choice(("mjpeg", "h264-32", "mpeg4")))
        yield plan.case(base, "frozen", source, f"alive {codec}", False, codec=codec)
        if source == "simulated":
            spec = make.spec_of(plan.seed, 500 + index, LS_A, "absent", 4.0, **make.still_probe(), wall_pulse_mm=0.0)
            calm = replace(
                spec, scanner=replace(spec.scanner, noise_db=-70.0), wall=replace(spec.wall, correlation=0.97)
            )
            alive = make.made(calm, plan.seed + index, f"calm{index:03d}")
            yield plan.case(alive, "frozen", source, f"calm, {codec}", False, codec=codec)


def frame_rate_assumed(plan: Plan) -> Iterator[Case]:
    """Folders of pictures and DICOM without any timing, and files that say their rate."""
    for source, _, base in plan.bases():
        for codec, faulty in (("png", True), ("dicom-untimed", True), ("mjpeg", False), ("dicom", False)):
            yield plan.case(base, "frame_rate_assumed", source, codec, faulty, codec=codec)


def not_lung(plan: Plan) -> Iterator[Case]:
    """Lungs upside down, and as they were; many other kinds are measured by measure_misuse.py."""
    for source, _, base in plan.bases():
        yield plan.case(base, "not_lung", source, "as it was", False)
        turned = replace(base, frames=np.ascontiguousarray(base.frames[:, ::-1]), roi=None)
        yield plan.case(turned, "not_lung", source, "upside down", True)


# --- flags that need a line -------------------------------------------------------------------------------------


def scale_estimated(plan: Plan) -> Iterator[Case]:
    """Movies, which have no scale, and DICOM, which has."""
    for source, index, base in plan.bases(lines=True):
        if index < 8:
            for codec, faulty in (("mjpeg", True), ("dicom", False)):
                short = make.cut_to(base, 3.2)
                yield plan.case(short, "scale_estimated", source, codec, faulty, codec=codec, needs_line=True)


def tracking_lost(plan: Plan) -> Iterator[Case]:
    """Cuts to another clip, a lifted probe, drowned speckle; and the clips as they were."""
    last: dict[str, Base] = {}
    for source, index, base in plan.bases(lines=True):
        other = last.get(source)
        last[source] = base
        yield plan.case(base, "tracking_lost", source, "none", False, needs_line=True)
        if other is not None:
            for number, kind in enumerate(("cut", "lifted", "noise", "flicker")):
                wrong = make.lost(base, kind, other, plan.rng(index, number))
                yield plan.case(wrong, "tracking_lost", source, kind, True, needs_line=True)


def probe_motion(plan: Plan) -> Iterator[Case]:
    """A probe that slides or tilts over a lung that stands still; a still probe over a lung that slides fast."""
    for index in range(plan.count):
        rng = plan.rng(index, 31)
        still: dict[str, object] = {"pulse_mm": 0.0, "drift_mm_s": (0.0, 0.0), "sway_mm": 0.0, "tilt_slices": 0.0}
        sway, hertz = float(rng.uniform(0.5, 1.5)), float(rng.uniform(0.2, 0.6))
        drift = float(rng.uniform(1.0, 3.0) * rng.choice([-1, 1]))
        kinds: dict[str, tuple[SlidingLabel, Scenario, dict[str, object], bool]] = {
            "slid along": (LS_A, "absent", {"drift_mm_s": (drift, 0.1), "sway_mm": sway, "sway_hz": hertz}, True),
            "tilted": (LS_A, "absent", {"tilt_slices": float(rng.uniform(1.5, 5.0)), "sway_hz": hertz}, True),
            "fast sliding, still probe": (LS_P, "sliding", {"speed_mm_s": 13.0}, False),
            "sliding, still probe": (LS_P, "sliding", {}, False),
            "absent, still probe": (LS_A, "absent", {}, False),
            "lung pulse, still probe": (LS_A, "lung_pulse", make.pulse(rng), False),
        }
        for kind, (label, scenario, motion, faulty) in kinds.items():
            spec = make.spec_of(plan.seed, 1000 + index, label, scenario, 4.5, **{**still, **motion})
            base = make.made(spec, plan.seed + index, f"sim{index:03d}")
            yield plan.case(base, "probe_motion", "simulated", kind, faulty, needs_line=True)
    for index, base in plan.recorded(lines=True):
        calm = base.motion == "still"
        if calm:
            yield plan.case(base, "probe_motion", "recorded", "as recorded, still probe", False, needs_line=True)
            held = edited(base, "hard", index)
            yield plan.case(held, "probe_motion", "recorded", "held lung, still probe", False, needs_line=True)
        for speed in (2.0, 4.0):
            held = edited(base, "hard", index)
            path = make.hand(len(base.frames), base.fps, speed, plan.rng(index, int(speed)))
            wrong = make.moved(held, path)
            yield plan.case(wrong, "probe_motion", "recorded", f"held lung, {speed} mm/s", True, needs_line=True)


def edited(base: Base, kind: ClipEdit, seed: int) -> Base:
    """Return a recorded clip edited as `lsgui simulate --edit` does."""
    assert base.roi is not None
    assert base.wall_px is not None
    frames = edit_clip(kind, base.frames, base.roi, base.wall_px, base.mm_per_px, base.fps, seed, base.inside)
    return replace(base, frames=frames)


def no_pleura(plan: Plan) -> Iterator[Case]:
    """Pictures without a pleural line, and those with one."""
    for source, index, base in plan.bases(lines=True):
        yield plan.case(replace(base, roi=None), "no_pleura", source, "line in view", False, needs_line=True)
        assert base.roi is not None
        top = int(base.roi.polyline[:, 1].min() - 2.5 / base.mm_per_px)
        if top > 40 and source == "simulated":
            wall = replace(base, frames=np.stack([_stretched(frame, top) for frame in base.frames]), roi=None)
            yield plan.case(wall, "no_pleura", source, "chest wall only", True, needs_line=True)
        if index < 4:
            grain = plan.rng(index, 77).normal(90.0, 30.0, base.frames[:60].shape)
            noise = np.stack([cv2.GaussianBlur(g, (0, 0), 1.5) for g in grain])
            noisy = replace(base, frames=np.clip(3 * noise - 180, 0, 255).astype(np.uint8), roi=None)
            yield plan.case(noisy, "no_pleura", source, "speckle only", True, needs_line=True)
    if plan.shared is not None:
        path = plan.out / "no_pleura" / "Reg_Image_181206_crop.mp4"
        shutil.copy(plan.shared / path.name, path)
        yield Case("no_pleura", "recorded", "muscle", True, path, None, True)


def _stretched(frame: np.ndarray, rows: int) -> np.ndarray:
    """Return the upper rows of a picture alone, as deep as the whole was."""
    return np.asarray(cv2.resize(frame[:rows], (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_CUBIC))


def pulse_only(plan: Plan) -> Iterator[Case]:
    """A lung pulse alone at 50 to 110 a minute; breathing at 10 to 30 a minute; both together; neither."""
    for index in range(plan.count):
        rng = plan.rng(index, 41)
        kinds: dict[str, tuple[SlidingLabel, Scenario, dict[str, object], bool]] = {
            "pulse alone": (LS_A, "lung_pulse", make.pulse(rng), True),
            "breathing alone": (LS_P, "sliding", {"pulse_mm": 0.0}, False),
            "shallow breathing alone": (LS_P, "shallow", {"pulse_mm": 0.0}, False),
            "both": (LS_P, "sliding", make.pulse(rng), False),
            "neither": (LS_A, "absent", {"pulse_mm": 0.0}, False),
        }
        for kind, (label, scenario, motion, faulty) in kinds.items():
            seconds = float(rng.uniform(4.5, 9.0))
            spec = make.spec_of(plan.seed, 2000 + index, label, scenario, seconds, **motion)
            rate = float(rng.choice([15.0, 20.0, 25.0, 30.0, 40.0]))
            spec = replace(spec, picture=replace(spec.picture, fps=rate))
            base = make.made(spec, plan.seed + index, f"sim{index:03d}")
            yield plan.case(base, "pulse_only", "simulated", kind, faulty, needs_line=True)
    for index, base in plan.recorded(lines=True):
        yield plan.case(base, "pulse_only", "recorded", "as recorded", False, needs_line=True)
        yield plan.case(edited(base, "sham", index), "pulse_only", "recorded", "re-timed", False, needs_line=True)
        for kind in ("frozen_pulse", "hard_pulse"):
            beats = edited(base, kind, plan.seed + index)
            yield plan.case(beats, "pulse_only", "recorded", kind, True, needs_line=True)


def over_or_under_gain(plan: Plan) -> Iterator[Case]:
    """Saturated and dark pictures; fair ones, also with a step of gain in the middle."""
    for source, index, whole in plan.bases(lines=True):
        base = make.cut_to(whole, 4.0)
        rng = plan.rng(index, 51)
        for decibel, faulty in ((30.0, True), (-30.0, True), (3.0, False), (-3.0, False)):
            wrong = make.gained(base, decibel)
            yield plan.case(wrong, "over_or_under_gain", source, f"{decibel:+.0f} dB", faulty, needs_line=True)
        step = make.gained(base, float(rng.choice([-5.0, 5.0])), 0.5)
        yield plan.case(step, "over_or_under_gain", source, "step of 5 dB", False, needs_line=True)


FLAGS: dict[str, Callable[[Plan], Iterator[Case]]] = {
    function.__name__: function
    for function in (
        too_short,
        low_frame_rate,
        duplicate_frames,
        frozen,
        tracking_lost,
        probe_motion,
        no_pleura,
        pulse_only,
        over_or_under_gain,
        frame_rate_assumed,
        not_lung,
        scale_estimated,
    )
}
"""How the cases of each flag are made that needs no verdict; `flag_verdict_cases.py` has the others."""
