"""The window reads clips in processes of their own: a death is a sentence, and no decoder weighs on the window."""

import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
from window_samples import is_complete, open_clip_in, until

from lsgui.bench.sample_dicom import JPEG, write_dicom
from lsgui.review.state import LoadPhase
from lsgui.simulation.movie_writer import write_avi


def reader_pid(review) -> int | None:
    return review.controller.clips.process.pid


def test_a_reading_process_starts_behind_the_first_painting(review, qtbot):
    until(qtbot, lambda: reader_pid(review) is not None)
    assert psutil.Process(reader_pid(review)).is_running()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_decoder_that_crashes_is_a_sentence_and_the_window_goes_on(review, qtbot, tmp_path, clips):
    long = tmp_path / "long.avi"
    write_avi(long, np.random.default_rng(3).integers(0, 255, (1500, 120, 160), np.uint8), 30.0)
    until(qtbot, lambda: reader_pid(review) is not None)
    killed: list[int] = []

    def kill(_old, new) -> None:
        if new.clip is not None and new.clip.phase is LoadPhase.DECODING and not killed:
            killed.append(reader_pid(review))
            os.kill(killed[0], signal.SIGSEGV)

    review.controller.stateChanged.connect(kill)
    review.controller.open_paths([long])
    until(qtbot, lambda: review.controller.state.clip is not None)
    until(qtbot, lambda: review.controller.state.clip.phase is LoadPhase.FAILED)
    error = review.controller.state.clip.error
    assert error.startswith("long.avi cannot be read: the process that was reading it crashed")
    assert error.count(".") == 2
    review.controller.clips.close_all()
    open_clip_in(review, qtbot, clips[0])
    assert is_complete(review)
    assert reader_pid(review) != killed[0]


def test_closing_the_window_ends_every_reading_process(review, qtbot, clips):
    open_clip_in(review, qtbot, *clips)
    ours = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    assert ours
    review.window.close()
    assert psutil.wait_procs(ours, timeout=5)[1] == []


def test_the_next_clip_is_decoded_by_the_other_process(review, qtbot, clips):
    open_clip_in(review, qtbot, *clips)
    first = reader_pid(review)
    until(qtbot, lambda: review.controller.clips._loader.ahead == clips[1])
    review.controller.clips.select(1)
    until(qtbot, lambda: is_complete(review) and review.controller.state.clip.path == clips[1])
    assert reader_pid(review) not in (None, first)


LIGHT = """
import sys
from pathlib import Path
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from lsgui.gui.app import open_review
from lsgui.review.state import LoadPhase, RoiPhase, WorkerPhase

class Silent:
    def start(self): pass
    def submit(self, request): pass
    def cancel(self, request_id): pass
    def poll(self, timeout_s): time.sleep(0.01); return None
    def wake(self): pass
    def close(self): pass

import time
application = QApplication([])
review = open_review(Silent, [Path(sys.argv[1])])
review.window.show()
end = time.monotonic() + 40
state = lambda: review.controller.state
done = lambda: state().clip is not None and state().clip.mm_per_px is not None and state().roi_phase in (
    RoiPhase.SUGGESTED, RoiPhase.NOT_FOUND)
while not done() and time.monotonic() < end:
    QTest.qWait(10)
assert done(), state().clip
print(sorted({"scipy", "lsgui.imaging.pleura_finder", "lsgui.readers.dicom_parts.instance"} & set(sys.modules)))
review.window.close()
"""


def test_opening_a_clip_loads_no_decoder_into_the_window(tmp_path, home):
    speckle = np.random.default_rng(2).integers(0, 255, (40, 120, 160), np.uint8)
    clip = write_dicom(tmp_path / "clip.dcm", list(speckle), JPEG)
    said = subprocess.run(
        [sys.executable, "-c", LIGHT, str(clip)], capture_output=True, text=True, check=False, timeout=90
    )
    assert (said.returncode, said.stdout) == (0, "[]\n"), said.stderr
