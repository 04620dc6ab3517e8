"""From a clip and a pleural line to a request: cut out what the model needs and nothing more. No torch."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip, ClipCut
from lsgui.core.errors import LsguiError, RoiError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI, check_roi_fits
from lsgui.core.prediction import Prediction, QualityFlag
from lsgui.imaging.scan_area import Scale, ScanArea, find_scan_area
from lsgui.imaging.square_cutter import Box, box_of_strip
from lsgui.inference.protocol import USUAL_FLOW, DeviceChoice, FlowChoice, InferenceRequest, Wanted
from lsgui.models.card import ModelCard, load_card
from lsgui.models.preprocess import ClipInput, needed_box

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
    area: ScanArea | None = None,
    wanted: Wanted = "verdict",
    flow: FlowChoice = USUAL_FLOW,
    take_out: bool = True,
) -> InferenceRequest:
    """Return the request for one clip.

    Every model gets the box around the strip of every key frame in the file's own pixels, so that motion is as the file
    has it; a model on pictures also what those are cut from, but for flow by itself. The rest is as in the request.
    LsguiError where there is no such model, the line lies outside, or the clip is too large.

    Parameters
    ----------
    area
        The scan area where it is known; None: it is looked for where the model sees all of it.
    take_out
        Take the pixels out of the clip now; else the session does, a frame at a time where it hands them on.
    """
    name, size = clip.info.path.name, (clip.info.width, clip.info.height)
    check_roi_fits(roi, *size, name)
    cut, scan_box = _cut(clip, roi, scale, None if wanted == "flow" else load_card(model_id), area)
    return InferenceRequest(
        id=request_id,
        clip=name,
        frames=_pixels(cut) if take_out else np.broadcast_to(np.uint8(0), cut.shape),
        origin=cut.box[:2],
        frame_size=size,
        times_s=clip.info.times_s,
        mm_per_px=scale.mm_per_px,
        calibrated=scale.calibrated,
        roi=roi,
        model_id=model_id,
        device=device,
        quality=_flagged(quality, scale),
        seconds=tuple(seconds.items()),
        scan_box=scan_box,
        wanted=wanted,
        flow=flow,
        cut=None if take_out else cut,
    )


def _pixels(cut: ClipCut) -> npt.NDArray[np.uint8]:
    frames = cut.stack()
    frames.setflags(write=False)
    return frames


def _flagged(quality: tuple[QualityFlag, ...], scale: Scale) -> tuple[QualityFlag, ...]:
    if scale.calibrated or QualityFlag.SCALE_ESTIMATED in quality:
        return quality
    return (*quality, QualityFlag.SCALE_ESTIMATED)


def _cut(
    clip: Clip, roi: PleuralROI, scale: Scale, card: ModelCard | None, area: ScanArea | None
) -> tuple[ClipCut, Box | None]:
    """Return the box to cut out, and the scan area's box where the model sees all of that; no card: the strip's box."""
    spec = None if card is None or card.input.kind in _BAND_KINDS else ClipInput.from_card(card)
    scan_box = (area or find_scan_area(clip)).box if spec is not None and spec.region == "scan" else None
    return ClipCut(clip, _box_for(clip, roi, scale, spec, scan_box)), scan_box


def _box_for(clip: Clip, roi: PleuralROI, scale: Scale, spec: ClipInput | None, scan_box: Box | None) -> Box:
    """Return the box (x, y, width, height) that a model's input needs; LsguiError where that is too much."""
    box = band_box(clip, roi, scale.mm_per_px)
    if spec is not None:
        picture = (clip.info.width, clip.info.height)
        box = _around(box, needed_box(spec, picture, roi, scale.mm_per_px, scan_box or (0, 0, *picture)))
    size = len(clip) * box[2] * box[3]
    if size > MAX_BYTES:
        raise LsguiError(
            f"{clip.info.path.name}: {size / 1e9:.1f} GB of pixels around the pleural line are more than can be "
            f"analysed at once ({MAX_BYTES / 1e9:.1f} GB): draw a shorter line or cut the clip."
        )
    return box


def _around(one: Box, other: Box) -> Box:
    """Return the smallest box that holds both."""
    left, top = min(one[0], other[0]), min(one[1], other[1])
    right, bottom = max(one[0] + one[2], other[0] + other[2]), max(one[1] + one[3], other[1] + other[3])
    return left, top, right - left, bottom - top


def band_box(clip: Clip, roi: PleuralROI, mm_per_px: float) -> Box:
    """Return the box (x, y, width, height) that holds the strip of every key frame and room to follow the wall."""
    corner, far = box_of_strip(roi, mm_per_px)
    size = np.array([clip.info.width, clip.info.height])
    first = np.clip(np.floor(corner), 0, size - 1).astype(int)
    last = np.clip(np.ceil(far) + 1, first + 1, size).astype(int)
    if (last - first).min() < 1:
        raise RoiError(f"{clip.info.path.name}: the pleural line lies outside the picture: draw it again.")
    return int(first[0]), int(first[1]), int(last[0] - first[0]), int(last[1] - first[1])


def prediction_without_line(
    clip: str, card: ModelCard, quality: tuple[QualityFlag, ...], seconds: Mapping[str, float], device: str
) -> Prediction:
    """Return the answer for a clip on which no pleural line was found: cannot assess, because of `no_pleura`."""
    flags = (*(flag for flag in quality if flag is not QualityFlag.NO_PLEURA), QualityFlag.NO_PLEURA)
    return prediction_not_judged(clip, card, flags, seconds, device)


def prediction_not_judged(
    clip: str,
    card: ModelCard,
    quality: tuple[QualityFlag, ...],
    seconds: Mapping[str, float],
    device: str,
    roi: PleuralROI | None = None,
) -> Prediction:
    """Return the answer for a clip that is not judged at all: cannot assess, because of its flags, and no number."""
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
        roi=roi,
        windows=(),
        segments=(),
        ribbon=None,
        quality=quality,
        band_ratio=None,
        wall_correlation=None,
        device=device,
        seconds=dict(seconds),
    )
