"""What of the state the clip's view shows: where the picture lies in the frame, and what is worth a repaint."""

from lsgui.review.state import ReviewState

Box = tuple[float, float, float, float]

_SMALL = 0.25
"""A found line shorter than this share of the frame's width lies in a picture that fills little of the frame."""


def picture_box(state: ReviewState) -> Box | None:
    """Return where the ultrasound picture lies in the frame (x, y, width, height), or None for all of the frame.

    In this order: the scan area, the region that the file names, the surroundings of a line that the program has found
    (not of one drawn by hand: the view does not jump under the pen).
    """
    clip = state.clip
    if clip is None or clip.info is None:
        return None
    box = clip.scan_box or clip.info.region
    if box is not None:
        return box
    roi = state.roi
    if roi is None or roi.source != "auto":
        return None
    left, top, right, bottom = roi.bounds()
    length = right - left
    if length >= _SMALL * clip.info.width:
        return None
    return left - length, top - 1.2 * length, 3 * length, 3 * length + bottom - top


def looks_different(old: ReviewState, new: ReviewState) -> bool:
    """Return whether anything that the view shows differs."""
    return (
        old.clip is not new.clip
        or old.playback.frame != new.playback.frame
        or old.playback.playing != new.playback.playing
        or old.roi is not new.roi
        or old.roi_phase is not new.roi_phase
        or old.tool != new.tool
        or old.analysis is not new.analysis
        or old.overlays is not new.overlays
        or old.heat != new.heat
        or old.held_scales is not new.held_scales
        or old.overlays_shown != new.overlays_shown
        or old.picture != new.picture
        or (old.mmode_column, old.mmode_second) != (new.mmode_column, new.mmode_second)
        or old.mmode_depth != new.mmode_depth
        or old.verdict_hidden != new.verdict_hidden
        or old.adjudication is not new.adjudication
    )
