"""Every real clip, against the manifest that lies beside them."""

import csv

import pytest

from lsgui.readers.base import open_clip


def test_every_real_clip_reads_as_its_manifest_says(shared_clips):
    with (shared_clips / "manifest.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 17
    for row in rows:
        clip = open_clip(shared_clips / row["file"])
        assert len(clip) == clip.info.frames == int(row["frames"]), row["file"]
        assert (clip.info.width, clip.info.height) == (int(row["width"]), int(row["height"])), row["file"]
        assert clip.info.fps == pytest.approx(float(row["fps"]), rel=0.005), row["file"]
        assert clip.info.note == "", row["file"]
