"""Tell in how much of a clip a line that was followed still shows: sweeps leave it, a rib or lost contact hides it."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import FrameStore
from lsgui.core.errors import CancelledError
from lsgui.core.pleura import PleuralROI, Polyline, resample_polyline
from lsgui.imaging.line_evidence import FLANK_MM
from lsgui.imaging.line_tracker import Track

LOOKS = 24
"""Frames that are looked at, spread evenly over the clip."""
PLACES = 80
"""Places along the line at each of which a profile across it is read."""
OFF_MM = 1.4
"""How far the line may lie from where it was followed to: breathing moves it between two key frames."""
CELL_MM = 0.2
"""Spacing of the profile across the line."""
FADED = 0.25
"""Contrast, against that of the frame on which it was found, below which the line no longer shows."""
LEAST_CONTRAST = 1.5
"""Grey values by which a line that shows outshines both its flanks at least."""
BESIDE_S = 0.2
"""Time between the three frames on which the contrast of the found line is measured."""


def shown_share(
    store: FrameStore,
    track: Track,
    frame: int,
    span: tuple[int, int],
    fps: float,
    mm_per_px: float,
    cancelled: Callable[[], bool] | None = None,
) -> float:
    """Return the share of a clip, 0 to 1, in which a line is followed and outshines its flanks as where it was found.

    Times the probability that the line is the pleura, it is the probability that at any moment the pleura is shown.

    Parameters
    ----------
    store
        Frames of the clip.
    track
        The line's key frames and the frames through which it was followed.
    frame
        Where the line was found.
    span
        First and last frame + 1 of the clip's usable part.
    fps, mm_per_px
        Scales of time and space.
    cancelled
        Asked at every frame.

    Raises
    ------
    CancelledError
        When `cancelled` says so.
    """
    line = PleuralROI(track.keyframes, "auto")

    def seen(at: int) -> float:
        if cancelled is not None and cancelled():
            raise CancelledError
        return contrast(store.frame(at), line.line_at(at), mm_per_px)

    beside = round(BESIDE_S * fps)
    found = np.median([seen(int(np.clip(frame + k, span[0], span[1] - 1))) for k in (-beside, 0, beside)])
    least = max(FADED * float(found), LEAST_CONTRAST)
    start, stop = track.followed
    looks = np.linspace(span[0], span[1] - 1, LOOKS).astype(int)
    return float(np.mean([start <= at < stop and seen(int(at)) > least for at in looks]))


def contrast(frame: npt.NDArray[np.uint8], line: Polyline, mm_per_px: float) -> float:
    """Return by how many grey values a line outshines the mean of its two flanks, on average along it.

    The line is looked for up to `OFF_MM` on either side of where it is said to be. The mean, for a light beam may leave
    the flank below as bright as the line; an even slope from dark to bright counts nothing.
    """
    points = resample_polyline(line, PLACES)
    along = np.gradient(points, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    near, far, off = (round(mm / CELL_MM) for mm in (*FLANK_MM, OFF_MM))
    cells = np.arange(-far - off, far + off + 1) * CELL_MM / mm_per_px
    at = (points[None] + cells[:, None, None] * across[None]).astype(np.float32)
    picture = cv2.remap(frame, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    profile = picture.mean(axis=1, dtype=np.float64)
    best = -np.inf
    for middle in range(far, far + 2 * off + 1):
        above, below = profile[middle - far : middle - near + 1], profile[middle + near : middle + far + 1]
        best = max(best, profile[middle - 1 : middle + 2].mean() - 0.5 * (above.mean() + below.mean()))
    return float(best)
