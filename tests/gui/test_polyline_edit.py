"""Geometry of the drawn line."""

from pathlib import Path

import pytest
from evidence_samples import real_line

from lsgui.gui.polyline_edit import point_and_normal
from lsgui.imaging.mmode import point_and_normal as mmode_point_and_normal


def test_the_column_on_the_picture_is_the_line_that_the_m_mode_samples(shared_clips: Path) -> None:
    line = real_line(shared_clips, "tuke_lumify_l12.mp4").polyline
    for column in (0.0, 0.2, 0.5, 0.77, 1.0):
        point, normal = point_and_normal(line, column)
        sampled_point, sampled_normal = mmode_point_and_normal(line, column)
        assert point == pytest.approx(tuple(sampled_point), abs=1e-9)
        assert normal == pytest.approx(tuple(sampled_normal), abs=1e-9)
