"""The pleural line: interpolation between key frames, its file, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsgui.core.errors import RoiError
from lsgui.core.pleura import PleuralROI, check_roi_fits, polyline_length, read_roi_file, resample_polyline

coordinate = st.floats(0, 1000).map(lambda v: round(v, 2))
lines = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=8).filter(
    lambda points: polyline_length(np.array(points)) > 2
)
rois = st.dictionaries(st.integers(0, 900), lines, min_size=1, max_size=5).map(
    lambda frames: PleuralROI(tuple(frames.items()))
)


@given(lines, st.integers(2, 60))
def test_resampling_keeps_the_ends_and_spaces_evenly_along_the_line(line: list[Any], count: int) -> None:
    points = np.array(line)
    new = resample_polyline(points, count)
    assert new.shape == (count, 2)
    np.testing.assert_allclose(new[[0, -1]], points[[0, -1]], atol=1e-6)
    longest = np.hypot(*np.diff(new, axis=0).T).max()
    assert longest <= polyline_length(points) / (count - 1) + 1e-6


@given(rois)
def test_file_gives_back_the_same_line(roi: PleuralROI) -> None:
    again = PleuralROI.from_json(json.loads(json.dumps(roi.to_json())))
    assert [k for k, _ in again.keyframes] == [k for k, _ in roi.keyframes]
    for (_, one), (_, other) in zip(again.keyframes, roi.keyframes, strict=True):
        np.testing.assert_allclose(one, other, atol=0.006)
    assert again.source == "file"


@given(rois, st.integers(0, 1000))
def test_line_holds_at_key_frames_and_stays_within_their_bounds(roi: PleuralROI, frame: int) -> None:
    for k, line in roi.keyframes:
        np.testing.assert_array_equal(roi.line_at(k), line)
    left, top, right, bottom = roi.bounds()
    line = roi.line_at(frame)
    assert left - 1e-6 <= line[:, 0].min()
    assert line[:, 0].max() <= right + 1e-6
    assert top - 1e-6 <= line[:, 1].min()
    assert line[:, 1].max() <= bottom + 1e-6
    assert not line.flags.writeable


def test_line_between_two_key_frames_is_between_them() -> None:
    roi = PleuralROI(((10, [[0, 0], [10, 0]]), (20, [[0, 10], [5, 10], [10, 10]])))
    np.testing.assert_allclose(roi.line_at(15)[:, 1], 5.0)
    np.testing.assert_array_equal(roi.line_at(0), roi.line_at(10))
    np.testing.assert_array_equal(roi.line_at(99), roi.line_at(20))


@given(rois, st.integers(0, 900), lines)
def test_a_line_drawn_by_hand_is_there_and_can_be_taken_away(roi: PleuralROI, frame: int, line: list[Any]) -> None:
    drawn = roi.with_line(frame, line)
    np.testing.assert_array_equal(drawn.line_at(frame), np.array(line))
    assert drawn.source == "hand"
    if len(drawn.keyframes) > 1:
        assert frame not in [k for k, _ in drawn.without_keyframe(frame).keyframes]
    else:
        with pytest.raises(RoiError):
            drawn.without_keyframe(frame)


BAD_LINES = [
    [],
    [[1, 2]],
    [[1, 2], [3]],
    [[1, 2, 3], [4, 5, 6]],
    [["a", "b"], ["c", "d"]],
    [[0, 0], [float("nan"), 4]],
    [[0, 0], [float("inf"), 4]],
    [[5, 5], [5.2, 5]],
    "line",
    7,
    {"x": 1},
]


@pytest.mark.parametrize("line", BAD_LINES, ids=repr)
def test_a_line_that_is_none_is_refused(line: Any) -> None:
    with pytest.raises(RoiError, match=r"\.$"):
        PleuralROI.from_json({"frame": 0, "polyline": line})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, json_values, json_values)
@example(float("inf"), [[0, 0], [9, 0]], None)
@example(0, None, {"1e999": [[0, 0], [9, 0]]})
def test_any_json_is_a_line_or_a_roi_error(frame: Any, polyline: Any, keyframes: Any) -> None:
    try:
        roi = PleuralROI.from_json({"frame": frame, "polyline": polyline, "keyframes": keyframes})
    except RoiError:
        return
    assert all(np.isfinite(line).all() for _, line in roi.keyframes)


@pytest.mark.parametrize("frames", [(), ((-1, [[0, 0], [9, 0]]),), ((3, [[0, 0], [9, 0]]), (3, [[0, 1], [9, 1]]))])
def test_impossible_key_frames_are_refused(frames: Any) -> None:
    with pytest.raises(RoiError):
        PleuralROI(frames)


ENTRY = {"frame": 2, "polyline": [[1, 2], [30, 4]]}


@pytest.mark.parametrize("content", [ENTRY, {"a.mp4": ENTRY, "b.mp4": {"frame": 0, "polyline": [[0, 0], [9, 9]]}}])
def test_file_of_one_and_of_several(tmp_path: Path, content: dict[str, Any]) -> None:
    path = tmp_path / "roi.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    roi = read_roi_file(path, "a.mp4")
    assert roi.frame == 2
    np.testing.assert_array_equal(roi.polyline, [[1, 2], [30, 4]])


def test_lines_drawn_on_the_real_clips_are_read(shared_clips: Path) -> None:
    path = shared_clips / "pleura.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    named = [name for name, entry in entries.items() if isinstance(entry, dict) and entry.get("keyframes")]
    assert len(named) >= 5
    for name in named:
        assert len(read_roi_file(path, name).keyframes) == len(entries[name]["keyframes"])


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"[1, 2]", b"{}", b'{"b.mp4": {"polyline": [[0, 0], [9, 9]]}}', b'{"polyline": 3}']
)
def test_a_file_without_a_line_is_one_sentence_with_its_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "roi.json"
    path.write_bytes(data)
    with pytest.raises(RoiError, match=r"^roi\.json[: ].*\.$"):
        read_roi_file(path, "a.mp4")


def test_a_file_that_is_not_there_is_one_sentence_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(RoiError, match=r"^gone\.json: .*\.$"):
        read_roi_file(tmp_path / "gone.json")


def test_a_line_of_another_clip_is_noticed() -> None:
    roi = PleuralROI.single(0, [[10, 10], [300, 12]])
    check_roi_fits(roi, 301, 100, "a.mp4")
    with pytest.raises(RoiError, match=r"^a\.mp4: .*another clip"):
        check_roi_fits(roi, 200, 100, "a.mp4")
    drifting = PleuralROI(((0, [[10, 10], [180, 12]]), (20, [[60, 10], [230, 12]])))
    check_roi_fits(drifting, 200, 100, "a.mp4")  # it leaves the picture for a while, as when the probe drifts
    with pytest.raises(RoiError, match="another clip"):
        check_roi_fits(PleuralROI.single(0, [[600, 10], [900, 12]]), 500, 100, "a.mp4")


def test_only_an_automatic_line_of_low_confidence_is_uncertain() -> None:
    line = [[0, 5], [40, 5]]
    assert PleuralROI.single(0, line, "auto", 0.6).uncertain
    assert not PleuralROI.single(0, line, "auto", 0.9).uncertain
    assert not PleuralROI.single(0, line, "auto").uncertain
    assert not PleuralROI.single(0, line).uncertain
    assert not PleuralROI.single(0, line, "auto", 0.6).with_line(3, line).uncertain
