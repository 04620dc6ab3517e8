"""Approvals of masks: kept for a series and for the very clip that was looked at, and found again for the next one."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from lsgui.core.clip import Clip
from lsgui.core.late_imports import load
from lsgui.export.mask import PixelMask, series_key

if TYPE_CHECKING:
    from lsgui.annotation.store import AnnotationStore  # SQLite waits until something is exported

SHOWN_SHARE = 0.02
"""Share of a line of text that may lie outside a mask: its box has a margin."""


def approve(store: "AnnotationStore", clip: Clip, content_hash: str, mask: PixelMask, who: str) -> None:
    """Keep that a person looked at a clip and approved what of it, and of its series, may leave."""
    from lsgui.annotation.clip_facts import ApprovedMask

    now = datetime.now(UTC)
    for key in dict.fromkeys((content_hash, series_key(clip.info.path, content_hash))):
        store.approve_mask(ApprovedMask(key, mask.rectangles, mask.width, mask.height, who, now))


def approved_mask(store: "AnnotationStore", clip: Clip, content_hash: str) -> PixelMask | None:
    """Return the mask under which a clip may leave; None where a person has to look first.

    One approval holds for a series, but not for a clip of it in which text is found that the mask does not cover: the
    scanner may have written elsewhere. What was approved on this very clip always holds.
    """
    own = _of_size(store, content_hash, clip)
    if own is not None:
        return own
    series = _of_size(store, series_key(clip.info.path, content_hash), clip)
    return None if series is None or _shows_text(series, clip) else series


def _of_size(store: "AnnotationStore", key: str, clip: Clip) -> PixelMask | None:
    found = store.mask(key)
    if found is None or (found.width, found.height) != (clip.info.width, clip.info.height):
        return None
    return PixelMask(tuple(found.rectangles), found.width, found.height)


def _shows_text(mask: PixelMask, clip: Clip) -> bool:
    load("lsgui.imaging.burned_in_text")
    from lsgui.imaging.burned_in_text import find_text  # here: OpenCV waits until something is exported

    blanked = mask.blanked()
    boxes = find_text(clip)
    return any(np.mean(~blanked[y : y + h, x : x + w]) > SHOWN_SHARE for x, y, w, h in boxes)
