"""Make the bundled demo clips in resources/demo: simulated, seeded, each under 1.5 MB.

Run from the project's root with the test extra installed: python packaging/make_demo.py [OUT]
The frames depend on the seeds alone; the bytes of the H.264 files also on the version of the encoder.
"""

import json
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from lsgui.core.label import SlidingLabel
from lsgui.simulation import ClipSpec, SimulatedClip, simulate_clip
from lsgui.simulation.dicom_writer import write_dicom
from lsgui.simulation.spec import Lung, Motion, Picture, Pleura, Rib, Scanner, Wall

MAX_BYTES = 1_450_000


@dataclass(frozen=True)
class Demo:
    """A demo clip before it is made."""

    file: str
    title: str
    look_for: str
    spec: ClipSpec
    seed: int


LINEAR = ClipSpec(
    picture=Picture(320, 320, 0.14, 22.0, 7.0),
    wall=Wall(
        level_db=-33, streak_mm=5.0, streak_db=5.0, patch_db=3.0, fasciae=7, fascia_db=-12, fat_fraction=0.34,
        ribs=(Rib(1.5, 9.5, 6.0, 30.0), Rib(41.5, 9.0, 6.5, 30.0)), correlation=0.93, renewal_s=0.5,
    ),
    pleura=Pleura(depth_mm=17.0, tilt_deg=1.5, curve_mm=-1.0, irregular_mm=0.05, thickness_mm=0.5, level_db=-3.0,
                  rough_mm=0.9, rough_db=6.0, moving=0.85),
    lung=Lung(haze_db=-27.5, decay_mm=11, moving=0.85, in_plane=0.35, slice_mm=0.9, evolve_mm=0.6, evolving=0.6,
              restless_mm_s=0.6, mirror_db=-14, a_lines=1, a_line_db=-20),
    motion=Motion(breaths_per_min=17, pause=0.05, speed_mm_s=8.0, wall_swing_mm=0.4, wall_rise=0.008,
                  wall_pulse_mm=0.03, tremor_mm=0.02),
    scanner=Scanner(axial_mm=0.24, lateral_mm=0.5, compound_mm=0.2, dynamic_db=54, gain_db=2.0, curve=1.15,
                    noise_db=-58, noise_growth_db=6, loss_db_cm=2.0, edge_fade=5.0, persistence=0.12),
)  # fmt: skip

CONVEX = replace(
    LINEAR,
    picture=Picture(340, 300, 0.3, 22.0, 7.0, "convex", probe_radius_mm=55.0, sector_deg=58.0),
    wall=replace(LINEAR.wall, ribs=(Rib(12.0, 9.0, 6.0, 26.0), Rib(64.0, 9.0, 6.5, 26.0)), streak_mm=7.0),
    pleura=replace(LINEAR.pleura, depth_mm=24.0, tilt_deg=-2.0, thickness_mm=0.9, rough_mm=1.8),
    lung=replace(LINEAR.lung, decay_mm=22, a_line_db=-20),
    scanner=replace(LINEAR.scanner, axial_mm=0.4, lateral_mm=1.3, compound_mm=0.3, loss_db_cm=1.0, edge_fade=8.0),
)

DEMOS = (
    Demo(
        "sliding.mp4",
        "Lung sliding present",
        "The pleural line shimmers to and fro with breathing and the grain below it changes, while the layers above "
        "stand still: in M-mode, seashore.",
        LINEAR,
        11,
    ),
    Demo(
        "absent.dcm",
        "Lung sliding absent, with A-lines",
        "The pleural line does not shimmer and the grain below it stands as still as the layers above: in M-mode, "
        "barcode.",
        replace(
            LINEAR,
            label=SlidingLabel.LS_A,
            scenario="absent",
            picture=replace(LINEAR.picture, fps=20.0, seconds=6.5),
            pleura=replace(LINEAR.pleura, depth_mm=14.5, tilt_deg=-2.0),
            lung=replace(LINEAR.lung, a_lines=2, a_line_db=-13, decay_mm=12),
            motion=replace(LINEAR.motion, speed_mm_s=0.0),
        ),
        23,
    ),
    Demo(
        "lung_point.mp4",
        "Lung point",
        "On the left of the line the lung slides in with each breath, on the right nothing moves: the place between "
        "them is the lung point.",
        replace(
            LINEAR,
            scenario="lung_point",
            pleura=replace(LINEAR.pleura, depth_mm=15.5, tilt_deg=0.5),
            wall=replace(LINEAR.wall, ribs=(Rib(-1.0, 8.0, 5.5, 28.0),), fasciae=6),
            motion=replace(
                LINEAR.motion, breaths_per_min=18, lung_point=0.52, lung_point_travel=0.24, lung_point_left=True
            ),
        ),
        37,
    ),
    Demo(
        "lung_pulse.mp4",
        "Lung pulse without sliding",
        "The pleural line jerks at heart rate without sliding: the pleurae touch at that spot, but the lung does not "
        "move with breathing.",
        replace(
            CONVEX,
            label=SlidingLabel.LS_A,
            scenario="lung_pulse",
            motion=replace(CONVEX.motion, speed_mm_s=0.0, pulse_mm=0.4, pulse_hz=1.3, wall_pulse_mm=0.06),
        ),
        41,
    ),
    Demo(
        "probe_drift.mp4",
        "Probe drift over absent sliding",
        "The whole picture moves, above the pleural line too: that is the hand, not the lung, which is "
        "compared with the chest wall.",
        replace(
            LINEAR,
            label=SlidingLabel.LS_A,
            scenario="probe_drift",
            wall=replace(LINEAR.wall, ribs=(Rib(5.0, 9.0, 6.0, 28.0),), fasciae=8),
            pleura=replace(LINEAR.pleura, depth_mm=19.0, tilt_deg=2.5),
            motion=replace(
                LINEAR.motion, speed_mm_s=0.0, drift_mm_s=(1.1, 0.12), sway_mm=1.2, sway_hz=0.45, tremor_mm=0.03
            ),
        ),
        53,
    ),
)


def write_h264(path: Path, frames: npt.NDArray[np.uint8], fps: float, crf: int) -> None:
    """Write frames as grey H.264 in MP4, which OpenCV reads everywhere."""
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.options = {"crf": str(crf), "preset": "slow", "tune": "grain"}
        for frame in frames:
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(np.repeat(frame[:, :, None], 3, axis=2), "rgb24")))
        movie.mux(stream.encode())


def write(path: Path, clip: SimulatedClip) -> int:
    """Write a clip in the best quality that stays under the limit; returns the quality used."""
    picture = clip.spec.picture
    if path.suffix == ".dcm":
        for quality in range(90, 30, -4):
            region = (picture.border[0], picture.border[1], picture.width, picture.height)
            write_dicom(path, clip.frames, clip.fps, clip.mm_per_px, region, "SIMDEMO", "jpeg", quality)
            if path.stat().st_size <= MAX_BYTES:
                return quality
    for crf in range(16, 40):
        write_h264(path, clip.frames, clip.fps, crf)
        if path.stat().st_size <= MAX_BYTES:
            return crf
    raise SystemExit(f"{path.name} does not fit into {MAX_BYTES} bytes")


def main() -> None:
    """Make all demo clips and their table."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "resources" / "demo"
    out.mkdir(parents=True, exist_ok=True)
    table = []
    for demo in DEMOS:
        clip = simulate_clip(demo.spec, demo.seed)
        quality = write(out / demo.file, clip)
        table.append({"file": demo.file, "title": demo.title, "look_for": demo.look_for, "roi": clip.roi.to_json()})
        print(f"{demo.file}: {len(clip.frames)} frames, {(out / demo.file).stat().st_size} bytes, quality {quality}")
    (out / "demo.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
