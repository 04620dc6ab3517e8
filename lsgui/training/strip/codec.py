"""Recode training windows as H.264 at a low rate, as web pages and messengers do it to clips."""

import io

import cv2
import numpy as np

from lsgui.training.faults import TrainingError
from lsgui.training.strip.edits import Window

_GREY_CHROMA = 128


def check_encoder() -> None:
    """Raise `TrainingError` where there is no H.264 encoder."""
    try:
        import av  # noqa: F401  # only whether it is there
    except ImportError as fault:
        raise TrainingError(
            "Windows are recoded as H.264 while training, which needs PyAV: install it with "
            "pip install 'lsgui[train]', or train without with --set h264_odds=0."
        ) from fault


def recoded(window: Window, rng: np.random.Generator) -> Window:
    """Return a window (T, D, S) coded and decoded at the size that the clip may have had.

    Quality 27 to 37 of 51, no key frame but the first, none to three frames between that look both ways.
    """
    import av

    count, rows, columns = window.shape
    scale = rng.uniform(1.5, 4.0)
    width, height = 2 * round(columns * scale / 2), 2 * round(rows * scale / 2)
    options = {
        "crf": str(int(rng.integers(27, 38))),
        "preset": "veryfast",
        "g": "250",
        "bf": str(int(rng.integers(0, 4))),
    }
    coded = io.BytesIO()
    chroma = np.full((height // 2, width), _GREY_CHROMA, dtype=np.uint8)
    with av.open(coded, "w", format="matroska") as movie:
        stream = movie.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = width, height, "yuv420p", 1
        stream.options = options
        for frame in window:
            grey = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
            large = cv2.resize(grey, (width, height), interpolation=cv2.INTER_CUBIC)
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(np.vstack([large, chroma]), format="yuv420p")))
        movie.mux(stream.encode())
    coded.seek(0)
    with av.open(coded) as movie:
        shown = [frame.to_ndarray()[:height, :width] for frame in movie.decode(video=0)]
    small = [cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA) for picture in shown[:count]]
    return np.stack(small).astype(np.float32)
