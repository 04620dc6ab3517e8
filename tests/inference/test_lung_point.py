"""Where both classes meet, as a value: along the line, or at a moment."""

import numpy as np
import pytest

from lsgui.inference.verdict import LungPoint, lung_point, lung_point_hint

SLIDES, STILL = 0.05, 0.95


@pytest.mark.parametrize(("slides_first", "border"), [(True, 3), (False, 5)])
def test_classes_side_by_side_meet_at_a_fraction_of_the_line(slides_first: bool, border: int) -> None:
    first, second = (SLIDES, STILL) if slides_first else (STILL, SLIDES)
    along = [first] * border + [second] * (8 - border)
    found = lung_point(np.array([along, along]), np.array([1.0, 2.0]))
    assert found == LungPoint(border / 8, None, slides_first)
    assert f"possible lung point at {100 * border / 8:.0f} %" in lung_point_hint(np.array([along, along]))


@pytest.mark.parametrize("slides_first", [True, False])
def test_classes_after_one_another_meet_at_a_moment(slides_first: bool) -> None:
    first, second = (SLIDES, STILL) if slides_first else (STILL, SLIDES)
    p = np.array([[first] * 4] * 3 + [[second] * 4] * 3)
    times_s = np.arange(6) * 2.0 + 1.0
    assert lung_point(p, times_s) == LungPoint(None, 6.0, slides_first)
    assert "about 6.0 s" in lung_point_hint(p, times_s)
    assert lung_point(p) is None


def test_one_class_alone_has_no_boundary() -> None:
    assert lung_point(np.full((4, 7), SLIDES), np.arange(4.0)) is None
    assert lung_point(np.full((4, 7), np.nan), np.arange(4.0)) is None
