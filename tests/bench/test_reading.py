"""The bench of reading: its clips are what they say, both ways read the same frames, and every figure is reported."""

import itertools
import sys

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels import pixel_array

from lsgui.bench import reading
from lsgui.bench.reading import Reading, measure
from lsgui.bench.rows import Bound
from lsgui.bench.sample_dicom import JPEG, SYNTAXES, Pictures, number_in, write_dicom, write_movie
from lsgui.readers.base import open_clip

FEW = Pictures(5, simulated=2)


@pytest.fixture(scope="module")
def frames():
    return list(FEW)


@pytest.fixture(scope="module")
def measured():
    told = []
    found = measure(lambda words, fraction: told.append((words, fraction)), True)
    assert [fraction for _, fraction in told] == sorted(fraction for _, fraction in told)
    return found


def test_every_picture_carries_its_number(frames):
    assert [number_in(frame) for frame in frames] == list(range(5))
    last = next(itertools.islice(Pictures(1000, simulated=1), 999, None))
    assert number_in(last) == 999


@pytest.mark.parametrize("syntax", [JPEG, *SYNTAXES], ids=lambda syntax: syntax.title)
def test_the_dicom_samples_are_what_they_say(syntax, frames, tmp_path):
    path = write_dicom(tmp_path / "clip.dcm", frames, syntax)
    dataset = dcmread(path)
    assert dataset.file_meta.TransferSyntaxUID == syntax.uid
    theirs = pixel_array(path)
    assert theirs.shape == (5, 600, 800, 3) if syntax.colour else (5, 600, 800)
    clip = open_clip(path)
    assert [number_in(clip.frame(k)) for k in range(len(clip))] == list(range(5))
    lossy = "JPEG," in syntax.title
    assert np.abs(clip.stack().astype(int) - np.stack(frames)).max() <= (60 if lossy else 0)


def test_the_sample_movie_gives_every_frame_once(frames, tmp_path):
    clip = open_clip(write_movie(tmp_path / "movie.mp4", frames))
    assert [number_in(clip.frame(k)) for k in range(len(clip))] == list(range(5))


def test_what_is_measured_is_right_and_complete(measured: Reading):
    assert measured.jpeg.largest_difference <= 3, "pydicom's frames, but for the rounding of its colours"
    assert all(other.largest_difference <= 3 for other in measured.others)
    assert [scrub.wrong for scrub in measured.scrubs] == [0, 0, 0]
    assert all(scrub.worst_ms >= scrub.p95_ms >= 0.0 for scrub in measured.scrubs)
    said = measured.as_json()
    assert said["decode_fps"] > 0
    assert said["first_frame_ms"] == max(said["reading"]["first_frame_ms"].values()) > 0
    both = said["reading"]["dicom_jpeg"]
    assert both["speedup"] == pytest.approx(both["reference_s"] / both["shipped_s"])
    assert both["pydicom_plugin"] in ("gdcm", "pillow", "pylibjpeg")
    targets = [(row.name, row.target.bound, row.target.value) for row in measured.rows() if row.target is not None]
    assert (targets[0][1:], targets[1]) == ((Bound.TIMES, 20.0), ("First frame", Bound.AT_MOST, 100.0))
    assert [target[1:] for target in targets[2:]] == [(Bound.AT_MOST, 30.0)] * 3


def test_a_wrong_frame_is_counted_and_told(frames):
    scrub = reading._scrubbed("from memory", lambda k: frames[max(k - 1, 0)], [0, 1, 2])
    assert scrub.wrong == 2
    assert "2 were not the frame asked for" in reading._scrub_row(scrub).note


def test_loading_cannot_be_measured_where_it_was_done_before():
    assert "cv2" in sys.modules
    assert reading._cold_ms("sliding.mp4", "cv2") is None
