"""The pleural strip: the clip in coordinates along and across the pleural line."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class PleuralStrip:
    """Every frame sampled along the pleura and across it, held still on the chest wall.

    Attributes
    ----------
    frames
        (T, D, S) uint8: time, depth across the line (chest wall on top), position along the line.
    valid
        (D, S) bool: False where the samples fall outside the scan area in some frame.
    pleura_row
        Row of the pleural line.
    pitch_mm
        Millimetres between rows and between columns, true or estimated (see `calibrated`).
    calibrated
        True when millimetres come from the file, False when they were estimated from the scan area.
    times_s
        (T,) float64 moments of the frames in seconds.
    wall_shift_mm
        (T, 2) float64: where the chest wall lay in each frame (along, across) against the reference, already removed.
    wall_correlation
        (T,) float64: normalised cross-correlation of the chest wall with its reference, 1 is perfect following.
    """

    frames: npt.NDArray[np.uint8]
    valid: npt.NDArray[np.bool_]
    pleura_row: int
    pitch_mm: float
    calibrated: bool
    times_s: npt.NDArray[np.float64]
    wall_shift_mm: npt.NDArray[np.float64]
    wall_correlation: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        for array in (self.frames, self.valid, self.times_s, self.wall_shift_mm, self.wall_correlation):
            array.setflags(write=False)

    @property
    def fps(self) -> float:
        """Mean frame rate in 1/s."""
        span = float(self.times_s[-1] - self.times_s[0])
        return (len(self.times_s) - 1) / span if span > 0 else 0.0
