"""An export in a process of its own: the same files, stopped at once, and its death is one sentence."""

import csv
import io
import multiprocessing
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pytest
from export_samples import FRAMES, HASH, named_clip, request_for
from PIL import Image

from lsgui.core.clip import Clip, Frame
from lsgui.core.errors import CancelledError, LsguiError
from lsgui.export.bundle import run_export
from lsgui.export.export_process import export_in_process
from lsgui.export.kinds import ExportKind
from lsgui.export.stamp import Stamp

SHORT = HASH[:8]


class CountedFrames:
    """Frames that note which were asked for."""

    def __init__(self, clip: Clip) -> None:
        self._store = clip.store
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self._store)

    def frame(self, index: int) -> Frame:
        self.asked.append(index)
        return self._store.frame(index)


def test_it_makes_the_same_files_as_in_this_process(tmp_path: Path) -> None:
    kinds = (ExportKind.REPORT, ExportKind.PICTURE, ExportKind.WINDOWS)
    stamp = Stamp.now(HASH)
    here = run_export(request_for(tmp_path / "here", *kinds), stamp=stamp)
    clip = named_clip()
    counted = CountedFrames(clip)
    told: list[tuple[str, float]] = []
    request = request_for(tmp_path / "there", *kinds, clip=Clip(clip.info, counted))
    there = export_in_process(request, lambda stage, part: told.append((stage, part)), stamp=stamp)
    assert [file.path.name for file in there.files] == [file.path.name for file in here.files]
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == sorted(f.path.name for f in there.files)
    pictures = [np.asarray(Image.open(result.files[1].path)) for result in (here, there)]
    np.testing.assert_array_equal(*pictures)
    tables = [list(csv.reader(io.StringIO(result.files[2].path.read_text("utf-8")))) for result in (here, there)]
    assert tables[0] == tables[1]
    words = [pypdf.PdfReader(result.files[0].path).pages[0].extract_text() for result in (here, there)]
    assert words[0] == words[1]
    assert set(counted.asked) == set(range(FRAMES)), "every frame of the M-mode came through the pipe"
    assert next(stage for stage, _ in told) == "Report"
    assert told[-1] == ("Saved", 1.0)


def test_it_stops_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    begun: list[float] = []

    def tell(_stage: str, part: float) -> None:
        if part > 0.2 and not begun:
            assert len(list((tmp_path / "out").glob(".lsgui-export-*"))) == 1, "it is at work"
            begun.append(time.monotonic())

    with pytest.raises(CancelledError):
        export_in_process(request_for(tmp_path / "out", ExportKind.MOVIE), tell, lambda: bool(begun))
    assert time.monotonic() - begun[0] < 1.0
    assert list((tmp_path / "out").iterdir()) == []
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("expected_log_warnings")
def test_a_child_that_dies_is_one_sentence(tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(_stage: str, _part: float) -> None:
        for child in multiprocessing.active_children():
            killed.append(child.pid or 0)
            child.kill()

    with pytest.raises(LsguiError, match=r"^The export ended unexpectedly: try it again; details are in the log\.$"):
        export_in_process(request_for(tmp_path / "out", ExportKind.MOVIE), kill)
    assert killed
    assert list((tmp_path / "out").iterdir()) == []


def test_a_fault_of_the_program_in_the_child_is_told_as_one(tmp_path: Path, expected_log_warnings: Any) -> None:
    broken = replace(request_for(tmp_path / "out", ExportKind.PICTURE), layers=None)  # type: ignore[arg-type]  # a fault
    with pytest.raises(LsguiError, match="details are in the log"):
        export_in_process(broken)
    assert "AttributeError" in expected_log_warnings[0].getMessage()
    assert "NOVAK" not in expected_log_warnings[0].getMessage()


def test_what_the_disk_or_nobodys_approval_refuses_is_told_from_this_side(tmp_path: Path) -> None:
    with pytest.raises(LsguiError, match="nobody has looked yet"):
        export_in_process(request_for(tmp_path, ExportKind.PICTURE, mask=None))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LsguiError, match=r"^Nothing was exported to out"):
        export_in_process(request_for(tmp_path / "file" / "out", ExportKind.WINDOWS))
    gone = named_clip(path=tmp_path / "gone.mp4")
    with pytest.raises(LsguiError, match=r"^gone\.mp4 cannot be read: it is not there; "):
        export_in_process(request_for(tmp_path / "out", ExportKind.CAPTURE, clip=gone))
    assert list((tmp_path / "out").iterdir()) == []
