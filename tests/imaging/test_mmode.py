import numpy as np
import pytest

from lsgui.core.pleura import PleuralROI
from lsgui.imaging.mmode import mmode_extent, point_and_normal, straightened_mmode


def _ramp(frames=30, height=120, width=160):
    """Frames whose grey value is the row, with a bright bar that sinks by a pixel every second frame from row 50."""
    out = np.repeat(np.arange(height, dtype=np.uint8)[None, :, None], frames, 0).repeat(width, 2)
    for k in range(frames):
        out[k, 50 + k // 2] = 255
    return out


def test_rows_run_from_above_to_below_the_line(make_clip):
    roi = PleuralROI.single(0, [[20, 80], [120, 80]])
    mmode = straightened_mmode(make_clip(_ramp()).store, range(3), roi, 0.5, 10.0, 20.0)
    assert mmode.shape == (31, 3)
    assert mmode.dtype == np.uint8
    assert mmode[:, 0].tolist() == list(range(70, 101))
    assert mmode_extent(10.0, 20.0, 0.25) == (-2.5, 5.0)


def test_key_frames_hold_the_pleura_in_its_row(make_clip):
    frames = _ramp()
    roi = PleuralROI(((0, [[20, 50], [120, 50]]), (28, [[20, 64], [120, 64]])))
    mmode = straightened_mmode(make_clip(frames).store, range(0, 29, 2), roi, 0.3, 5.0, 5.0)
    assert (mmode[5] == 255).all()
    still = straightened_mmode(
        make_clip(frames).store, range(0, 29, 2), PleuralROI.single(0, [[20, 50], [120, 50]]), 0.3, 5, 5
    )
    assert (still[5] == 255).sum() == 1


def test_line_that_is_not_level_is_crossed_at_a_right_angle(make_clip):
    rows, columns = np.mgrid[0:120, 0:160]
    across = ((rows - 60) - (columns - 80)) / np.sqrt(2.0)  # distance from a line that falls at 45 degrees
    frame = np.clip(128 + 2.0 * across, 0, 255).astype(np.uint8)
    roi = PleuralROI.single(0, [[50, 30], [110, 90]])
    mmode = straightened_mmode(make_clip(frame[None]).store, [0], roi, 0.5, 20.0, 20.0)[:, 0].astype(float)
    assert mmode == pytest.approx(128 + 2.0 * np.arange(-20, 21), abs=1.5)


@pytest.mark.parametrize("line", [[[10, 40], [90, 40]], [[90, 40], [10, 40]]])
def test_normal_points_away_from_the_probe(line):
    point, normal = point_and_normal(np.array(line, dtype=float), 0.25)
    assert normal == pytest.approx([0.0, 1.0])
    assert point[1] == 40


def test_column_picks_the_place_and_outside_is_black(make_clip):
    frame = np.repeat(np.arange(100, dtype=np.uint8)[None, :], 60, 0)
    roi = PleuralROI.single(0, [[0, 50], [80, 50]])
    store = make_clip(frame[None]).store
    assert straightened_mmode(store, [0], roi, 0.0, 0, 0)[0, 0] == 0
    assert straightened_mmode(store, [0], roi, 0.25, 0, 0)[0, 0] == 20
    assert straightened_mmode(store, [0], roi, 1.0, 0, 30)[:, 0].tolist() == [80] * 10 + [0] * 21
