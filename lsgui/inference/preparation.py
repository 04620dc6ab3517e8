"""From a clip and a pleural line to a request: cut out what the model needs and nothing more. No torch."""

from collections.abc import Mapping

import numpy as np

from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError, RoiError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI, check_roi_fits
from lsgui.core.prediction import Prediction, QualityFlag
from lsgui.imaging.scan_area import Scale
from lsgui.imaging.strip_cutter import MARGIN_COLUMNS, strip_columns, strip_grid
from lsgui.inference.protocol import DeviceChoice, InferenceRequest
from lsgui.models.card import ModelCard, load_card

TRACKING_ROOM_MM = 4.4
"""Room around the strip in which the chest wall may move while it is followed."""

MAX_BYTES = 1 << 30
"""Largest request. It is copied once for the pipe and once in the worker, so this bounds both processes."""

_BAND_KINDS = ("strip", "none")


def build_request(
    clip: Clip,
    roi: PleuralROI,
    *,
    request_id: int,
    model_id: str,
    device: DeviceChoice,
    scale: Scale,
    quality: tuple[QualityFlag, ...],
    seconds: Mapping[str, float],
) -> InferenceRequest:
    """Return the request for one clip.

    A model on the pleural strip gets the box around the strip of every key frame in the file's own pixels, nothing left
    out or resized, so that the motion is as the file has it. Other models get whole frames.

    Parameters
    ----------
    scale
        Millimetres per pixel, and whether the file said so; where it did not, `QualityFlag.SCALE_ESTIMATED` is added.
    quality, seconds
        Flags raised, and time spent by stage, while reading.

    Raises
    ------
    LsguiError
        When there is no such model, the line lies outside the picture, or the clip is too large to be analysed at once.
    """
    name = clip.info.path.name
    check_roi_fits(roi, clip.info.width, clip.info.height, name)
    box = _box_for(clip, roi, scale, load_card(model_id))
    if not scale.calibrated and QualityFlag.SCALE_ESTIMATED not in quality:
        quality = (*quality, QualityFlag.SCALE_ESTIMATED)
    frames = clip.stack(box=box)
    frames.setflags(write=False)
    return InferenceRequest(
        id=request_id,
        clip=name,
        frames=frames,
        origin=(box[0], box[1]),
        frame_size=(clip.info.width, clip.info.height),
        times_s=clip.info.times_s,
        mm_per_px=scale.mm_per_px,
        calibrated=scale.calibrated,
        roi=roi,
        model_id=model_id,
        device=device,
        quality=quality,
        seconds=tuple(seconds.items()),
    )


def _box_for(clip: Clip, roi: PleuralROI, scale: Scale, card: ModelCard) -> tuple[int, int, int, int]:
    """Return the box (x, y, width, height) that a model's input needs; LsguiError where that is too much."""
    whole = (0, 0, clip.info.width, clip.info.height)
    box = band_box(clip, roi, scale.mm_per_px) if card.input.kind in _BAND_KINDS else whole
    size = len(clip) * box[2] * box[3]
    if size > MAX_BYTES:
        raise LsguiError(
            f"{clip.info.path.name}: {size / 1e9:.1f} GB of pixels around the pleural line are more than can be "
            f"analysed at once ({MAX_BYTES / 1e9:.1f} GB): draw a shorter line or cut the clip."
        )
    return box


def band_box(clip: Clip, roi: PleuralROI, mm_per_px: float) -> tuple[int, int, int, int]:
    """Return the box (x, y, width, height) that holds the strip of every key frame and room to follow the wall."""
    corners = []
    for _, line in roi.keyframes:
        points = strip_grid(line, strip_columns(line, mm_per_px), mm_per_px, MARGIN_COLUMNS).points.reshape(-1, 2)
        corners += [points.min(axis=0), points.max(axis=0)]
    room = TRACKING_ROOM_MM / mm_per_px
    size = np.array([clip.info.width, clip.info.height])
    first = np.clip(np.floor(np.min(corners, axis=0) - room), 0, size - 1).astype(int)
    last = np.clip(np.ceil(np.max(corners, axis=0) + room) + 1, first + 1, size).astype(int)
    if (last - first).min() < 1:
        raise RoiError(f"{clip.info.path.name}: the pleural line lies outside the picture: draw it again.")
    return int(first[0]), int(first[1]), int(last[0] - first[0]), int(last[1] - first[1])


def prediction_without_line(
    clip: str, card: ModelCard, quality: tuple[QualityFlag, ...], seconds: Mapping[str, float], device: str
) -> Prediction:
    """Return the answer for a clip on which no pleural line was found: cannot assess, because of `no_pleura`."""
    return Prediction(
        clip=clip,
        label=SlidingLabel.CANNOT_ASSESS,
        p_absent=None,
        p_absent_interval=None,
        threshold=card.threshold,
        threshold_source=card.threshold_source,
        model=card.ref,
        motion_index=None,
        motion_interval=None,
        roi=None,
        windows=(),
        segments=(),
        ribbon=None,
        quality=(*(flag for flag in quality if flag is not QualityFlag.NO_PLEURA), QualityFlag.NO_PLEURA),
        band_ratio=None,
        wall_correlation=None,
        device=device,
        seconds=dict(seconds),
    )
