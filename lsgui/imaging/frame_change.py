"""How much each frame of a clip differs from the one before."""

import cv2
import numpy as np
import numpy.typing as npt


def coarse_changes(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the mean change in grey values between neighbouring frames (T, h, w), (T - 1,).

    Every second pixel of every second row is looked at. Sums are of whole numbers, hence exact.
    """
    changes = np.empty(max(len(frames) - 1, 0))
    before = np.empty(0, dtype=np.uint8)
    for at, frame in enumerate(frames):
        now = np.ascontiguousarray(frame[::2, ::2])
        if at:
            changes[at - 1] = cv2.norm(before, now, cv2.NORM_L1) / now.size
        before = now
    return changes
