"""The movie: other programs open it, it keeps the clip's own time, and it shows nothing that must not be seen."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from export_samples import FPS, FRAMES, HASH, named_clip, request_for

from lsgui.core.errors import CancelledError
from lsgui.core.label import SlidingLabel
from lsgui.export import movie
from lsgui.export.annotated_frame import VERDICT
from lsgui.export.mask import masked_clip
from lsgui.export.movie import H264, MPEG4, MovieFrames, even_frames, write_movie
from lsgui.export.request import ExportRequest
from lsgui.export.stamp import Stamp


def made(request: ExportRequest, path: Path) -> str:
    shown = masked_clip(request.clip, request.mask)
    stamp = Stamp.now(HASH, None if request.shown_prediction is None else request.shown_prediction.model)
    return write_movie(request, shown, stamp, path, lambda _fraction: None, lambda: False)


def read(path: Path) -> tuple[list[np.ndarray], float]:
    """Every frame as red green blue, and the rate, as OpenCV sees them."""
    reader = cv2.VideoCapture(str(path))
    frames = []
    while True:
        there, picture = reader.read()
        if not there:
            break
        frames.append(picture[..., ::-1])
    rate = reader.get(cv2.CAP_PROP_FPS)
    reader.release()
    return frames, rate


def near(picture: np.ndarray, colour: Any, reach: int = 40) -> np.ndarray:
    return np.abs(picture.astype(int) - np.array(colour)).max(axis=2) <= reach


@pytest.mark.parametrize("codec", ["h264", "mpeg4"])
def test_it_opens_elsewhere_with_every_frame_at_the_clips_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    if codec == "mpeg4":
        monkeypatch.setattr(movie, "has_h264", lambda: False)
    path = tmp_path / "movie.mp4"
    note = made(request_for(tmp_path), path)
    assert note == (H264 if codec == "h264" else MPEG4)
    frames, rate = read(path)
    assert len(frames) == FRAMES
    assert rate == pytest.approx(FPS, rel=0.01)
    height, width = frames[0].shape[:2]
    assert width % 2 == height % 2 == 0
    assert near(frames[5], VERDICT[SlidingLabel.LS_A]).sum() > 300, "the verdict's colour: words, icon, ribbon"
    panel = slice(height - 190, height)
    marks = [int(np.median(np.nonzero((f[panel][:40] > 200).all(axis=2).sum(axis=0) > 8)[0])) for f in frames]
    assert np.all(np.diff(marks) > 0), "the moment's mark travels"
    assert frames[3].std() > 5
    assert (np.abs(frames[3].astype(int) - frames[4]).mean(axis=2) > 3).any()


def test_h264_keeps_uneven_moments(tmp_path: Path) -> None:
    import av

    times = np.cumsum([0.0, *([0.05] * 8), *([0.2] * 7)])
    clip = named_clip(16, frame_times_s=tuple(times), fps=16 / (times[-1] + 0.1))
    path = tmp_path / "movie.mp4"
    made(request_for(tmp_path, clip=clip), path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        found = [float(frame.pts * frame.time_base) for frame in container.decode(stream)]
        assert "clip 1a2b3c4d" in container.metadata["comment"]
    assert found == pytest.approx(times.tolist(), abs=1e-3)


def test_one_rate_repeats_frames_of_an_uneven_clip() -> None:
    even = np.arange(10) / 20.0
    rate, shown = even_frames(even, 0.5)
    assert rate == pytest.approx(20.0)
    assert shown.tolist() == list(range(10))
    times = np.array([0.0, 0.1, 0.2, 0.6])
    rate, shown = even_frames(times, 0.8)
    assert rate == pytest.approx(10.0)
    assert shown.tolist() == [0, 1, 2, 2, 2, 2, 3, 3]


def test_the_name_is_black_and_a_blind_reader_sees_no_verdict(tmp_path: Path) -> None:
    request = request_for(tmp_path, hidden=True)
    shown = masked_clip(request.clip, request.mask)
    frame = MovieFrames(request, shown, Stamp.now(HASH)).frame(4)
    height = MovieFrames(request, shown, Stamp.now(HASH))._picture_height
    top = frame[: height // 8]
    assert int(top.max()) == 0, "the burned-in name"
    for label in SlidingLabel:
        assert not near(frame, VERDICT[label], 12).any()
    bare = MovieFrames(request, request.clip, Stamp.now(HASH)).frame(4)
    assert bare[: height // 8].max() > 240


def test_no_map_where_the_reader_has_switched_it_off(tmp_path: Path) -> None:
    request = request_for(tmp_path)
    shown = masked_clip(request.clip, request.mask)
    with_heat = MovieFrames(request, shown, Stamp.now(HASH)).frame(0).astype(int)
    without = replace(request, layers=replace(request.layers, heat=False))
    bare = MovieFrames(without, shown, Stamp.now(HASH)).frame(0).astype(int)
    yellow = lambda picture: int(((picture[..., 0] - picture[..., 2]) > 60).sum())  # noqa: E731
    assert yellow(with_heat) > 2000 + yellow(bare)


def test_it_stops_at_the_next_frame(tmp_path: Path) -> None:
    request = request_for(tmp_path)
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(CancelledError):
        write_movie(
            request, masked_clip(request.clip, request.mask), Stamp.now(HASH), tmp_path / "m.mp4", print, cancelled
        )
    assert len(asked) == 4


def test_pyav_is_there_for_the_tests() -> None:
    assert importlib.util.find_spec("av") is not None
