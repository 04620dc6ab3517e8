import numpy as np
import pytest

from lsgui.core.errors import CancelledError
from lsgui.imaging.line_presence import contrast, shown_share
from lsgui.imaging.line_tracker import Track

LINE = np.array([[20.0, 100.0], [180.0, 110.0]])
MM = 0.25


def _picture(noise, line_at=0.0, below=0.0):
    """Speckle with a bright line, `line_at` mm below `LINE`, and `below` grey values more under it."""
    rows, columns = np.mgrid[: noise.shape[0], : noise.shape[1]]
    off = (rows - np.interp(columns, *LINE.T)) * MM - line_at
    lit = 0.5 * noise + 90.0 * np.exp(-0.5 * (off / 0.4) ** 2) + below * (off > 0)
    return np.clip(lit, 0, 255).astype(np.uint8)


@pytest.fixture
def noise(live_noise):
    return live_noise(60, 200, 200)


def test_line_outshines_its_flanks_where_it_lies_and_next_to_it_and_a_slope_does_not(noise):
    there = contrast(_picture(noise[0]), LINE, MM)
    assert there > 30.0
    assert contrast(_picture(noise[0], line_at=1.0), LINE, MM) == pytest.approx(there, rel=0.15)
    assert contrast(_picture(noise[0], below=60.0), LINE, MM) > 0.7 * there
    assert contrast(noise[0] // 2, LINE, MM) < 0.15 * there
    slope = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None], (200, 200)).copy()
    assert abs(contrast(slope, LINE, MM)) < 0.02 * there


def test_share_counts_frames_in_which_the_line_is_followed_and_seen(noise, make_clip):
    frames = np.stack([_picture(frame) if at < 30 else frame // 2 for at, frame in enumerate(noise)])
    store = make_clip(frames).store
    everywhere, short = Track(((10, LINE),), (0, 60)), Track(((10, LINE),), (0, 15))
    assert shown_share(store, everywhere, 10, (0, 60), 25.0, MM) == pytest.approx(0.5, abs=0.05)
    assert shown_share(store, everywhere, 10, (0, 30), 25.0, MM) == 1.0
    assert shown_share(store, short, 10, (0, 60), 25.0, MM) == pytest.approx(0.25, abs=0.05)
    with pytest.raises(CancelledError):
        shown_share(store, everywhere, 10, (0, 60), 25.0, MM, cancelled=lambda: True)


def test_line_at_the_edge_of_the_picture_gives_a_number(noise, make_clip):
    track = Track(((0, np.array([[0.0, 0.0], [199.0, 1.0]])),), (0, 3))
    assert 0.0 <= shown_share(make_clip(noise[:3]).store, track, 0, (0, 3), 25.0, MM) <= 1.0
