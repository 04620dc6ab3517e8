"""The M-mode is cut in a thread, from frames that may go with their clip."""

import numpy as np
import pytest

from lsgui.core.errors import CancelledError
from lsgui.core.pleura import PleuralROI
from lsgui.gui.mmode_job import MModeJob, MModeRequest
from lsgui.readers.frame_store import GrowingFrames


def job() -> MModeJob:
    store = GrowingFrames(40, 60, 10_000_000, name="a.avi")
    for _ in range(4):
        store.append(np.zeros((40, 60), np.uint8))
    store.close()  # as the loader does when its clip is left
    return MModeJob(MModeRequest(store, PleuralROI.single(0, [[5, 20], [50, 20]]), 0.5, 4, 8, 8))


def test_a_clip_that_was_left_takes_its_m_mode_along_without_a_fault() -> None:
    asked = iter((False, True))
    with pytest.raises(CancelledError):
        job().run(lambda _event: None, lambda: next(asked))


def test_frames_that_are_missing_of_the_clip_on_screen_are_a_fault() -> None:
    with pytest.raises(IndexError):
        job().run(lambda _event: None, lambda: False)
