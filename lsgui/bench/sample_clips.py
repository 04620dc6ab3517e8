"""Clips for the measurements: simulated from a fixed seed, written anew wherever they are wanted, alike everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.simulation.clip import SimulatedClip, simulate_clip
from lsgui.simulation.movie_writer import write_avi
from lsgui.simulation.spec import ClipSpec, Lung, Motion, Picture, Pleura, Scanner, Wall

SEED = 6
SIMULATED_FRAMES = 100
"""So many frames are simulated, 20 ms each at 640 x 480; a longer clip plays them to and fro, which breathes on."""

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class SampleClip:
    """A simulated clip of a sliding lung in a file.

    Attributes
    ----------
    path
        The file.
    frames, fps, mm_per_px
        Number of frames, frames a second, and the true pixel pitch (which an AVI cannot say).
    roi
        The true pleural line; it stands still.
    """

    path: Path
    frames: int
    fps: float
    mm_per_px: float
    roi: PleuralROI


def sample_spec(frames: int, width: int, height: int, fps: float) -> ClipSpec:
    """Return a linear probe's view, 50 mm wide, of a lung that slides at up to 7 mm/s under a wall that stands."""
    pitch = round(50.0 / width, 4)
    depth = min(18.0, 0.5 * height * pitch)
    return ClipSpec(
        label=SlidingLabel.LS_P,
        picture=Picture(width=width, height=height, mm_per_px=pitch, fps=fps, seconds=frames / fps),
        wall=Wall(),
        pleura=Pleura(depth_mm=depth),
        lung=Lung(),
        motion=Motion(),
        scanner=Scanner(),
    )


def moving_texture(spec: ClipSpec) -> ClipSpec:
    """Return a clip whose lung only moves along the line: its flow below the line is exactly `flow_mm`.

    Texture neither renews itself nor leaves the plane, nothing of the wall is mirrored below the line.
    """
    lung = replace(
        spec.lung, moving=1.0, in_plane=1.0, evolving=0.0, restless_mm_s=0.0, mirror_db=-90.0, a_lines=0, decay_mm=40.0
    )
    pleura = replace(spec.pleura, tilt_deg=0.0, curve_mm=0.0, irregular_mm=0.0, moving=1.0)
    scanner = replace(spec.scanner, persistence=0.0)
    return replace(spec, lung=lung, pleura=pleura, wall=replace(spec.wall, correlation=1.0), scanner=scanner)


def to_and_fro(count: int, wanted: int) -> npt.NDArray[np.int64]:
    """Return which of `count` pictures stands at each of `wanted` places when they are played there and back."""
    turn = max(2 * count - 2, 1)
    at = np.arange(wanted) % turn
    return np.asarray(np.where(at < count, at, turn - at), dtype=np.int64)


def simulate_sample(
    frames: int = 300, width: int = 640, height: int = 480, fps: float = 30.0, *, simulated: int = SIMULATED_FRAMES
) -> tuple[SimulatedClip, Sequence[int]]:
    """Return the simulated pictures and which of them stands at each frame of the clip."""
    made = simulate_clip(sample_spec(min(frames, simulated), width, height, fps), SEED)
    return made, to_and_fro(len(made.frames), frames).tolist()


def sample_movie(
    folder: Path,
    frames: int = 300,
    width: int = 640,
    height: int = 480,
    fps: float = 30.0,
    *,
    simulated: int = SIMULATED_FRAMES,
) -> SampleClip:
    """Write a Motion JPEG movie into a folder and return it.

    Parameters
    ----------
    folder
        A folder that exists, such as a temporary one.
    frames, width, height, fps
        Of the movie. About 2 s are spent on simulating, 3 ms a frame on writing.
    simulated
        How many different frames there are at most; fewer are made sooner.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    made, order = simulate_sample(frames, width, height, fps, simulated=simulated)
    path = folder / f"sample-{frames}x{width}x{height}.avi"
    write_avi(path, made.frames[order], fps)
    return SampleClip(path, frames, fps, made.mm_per_px, made.roi)
