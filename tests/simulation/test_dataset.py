"""A simulated data set on disk: its table, its truth, and that the program's own readers read it back."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsgui.core.errors import DatasetError
from lsgui.core.pleura import check_roi_fits, read_roi_file
from lsgui.readers.base import open_clip
from lsgui.simulation import SimulatedClip, dataset, simulate_clip
from lsgui.simulation.clip_files import WRITERS, write_clip
from lsgui.simulation.dataset import Kinds, PlannedClip, make_clip, plan_clip, write_dataset


@pytest.fixture(autouse=True)
def _short_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three seconds at a low rate hold all that these tests ask for."""

    def short(seed: int, index: int, kinds: Kinds = ()) -> PlannedClip:
        plan = plan_clip(seed, index, kinds)
        spec = replace(plan.spec, picture=replace(plan.spec.picture, fps=12.5, seconds=1.6))
        lead_in = min(spec.scanner.black_lead_in, 3)
        return replace(plan, spec=replace(spec, scanner=replace(spec.scanner, black_lead_in=lead_in)))

    monkeypatch.setattr(dataset, "plan_clip", short)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "dataset.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_data_set_has_its_table_lines_and_truth(tmp_path: Path) -> None:
    assert len(list(write_dataset(tmp_path / "set", 4, 5))) == 4
    table = rows(tmp_path / "set")
    assert list(table[0]) == ["clip", "label", "patient", "source", "start", "stop", "roi"]
    assert [row["label"] for row in table].count("ls_a") == 2
    assert [row["patient"] for row in table] == ["SIM0000"] * 3 + ["SIM0001"]
    assert {row["source"] for row in table} == {"simulated"}
    for row in table:
        clip = open_clip(tmp_path / "set" / row["clip"])
        assert 0 <= int(row["start"]) < int(row["stop"]) == len(clip)
        assert clip.info.fps == pytest.approx(12.5)
        roi = read_roi_file(tmp_path / "set" / row["roi"])
        check_roi_fits(roi, clip.info.width, clip.info.height, row["clip"])
        truth = json.loads((tmp_path / "set" / "truth" / f"{Path(row['clip']).stem}.json").read_text("utf-8"))
        assert truth["label"] == row["label"]
        for field in ("sliding", "flow_mm_s", "flow_mm", "wall_mm", "pleura"):
            assert len(truth[field]) == len(clip), field
        assert {len(line) for line in truth["sliding"]} == {truth["stretches"]} == {16}
        assert np.allclose(truth["pleura"][0], roi.line_at(0), atol=0.1)
        slides = "1" in "".join(truth["sliding"])
        assert slides == (row["label"] == "ls_p" or truth["scenario"] == "lung_point")
        assert (truth["flow_summary"]["peak_mm_s"] == 0.0) or slides or truth["spec"]["motion"]["pulse_mm"] > 0


def test_nothing_half_made_is_left(tmp_path: Path) -> None:
    list(write_dataset(tmp_path / "set", 1, 5))
    names = {path.name for path in (tmp_path / "set").rglob("*")}
    assert names == {"dataset.csv", "sim_0000.avi", "roi", "truth", "sim_0000.json"}


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_made(tmp_path: Path) -> None:
    list(write_dataset(tmp_path / "one", 1, 9))
    (tmp_path / "roi").mkdir()
    (tmp_path / "truth").mkdir()
    make_clip(tmp_path, 9, 0, "avi")
    for name in ("sim_0000.avi", "truth/sim_0000.json", "roi/sim_0000.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / name).read_bytes()
    assert plan_clip(9, 0) == plan_clip(9, 0)
    assert plan_clip(9, 0).spec != plan_clip(10, 0).spec


def test_clips_of_a_patient_share_the_body_and_each_pair_has_both_labels() -> None:
    plans = [plan_clip(3, index) for index in range(40)]
    for first, second in zip(plans[::2], plans[1::2], strict=True):
        assert {first.spec.label, second.spec.label} == {"ls_a", "ls_p"}
    bodies = {(plan.patient, plan.spec.wall, plan.spec.pleura, plan.spec.picture.mm_per_px) for plan in plans}
    assert len(bodies) == len({plan.patient for plan in plans}) == 14


def small_clip() -> SimulatedClip:
    spec = plan_clip(1, 0).spec
    return simulate_clip(replace(spec, picture=replace(spec.picture, fps=12.5, seconds=0.6)), 1)


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_format_reads_back(name: str, tmp_path: Path) -> None:
    made = small_clip()
    path = write_clip(tmp_path / "sim_0000", made, "SIM0000", name)
    read = open_clip(path)
    assert len(read) == len(made.frames)
    worst = {"png": 0.0, "avi": 4.0, "dicom": 4.0}[name]
    assert np.abs(read.stack().astype(int) - made.frames).mean() <= worst
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("name", "fps"), [("png", 25.0), ("avi", 12.5), ("dicom", 12.5)])
def test_clips_are_read_at_the_rate_of_their_truth(name: str, fps: float, tmp_path: Path) -> None:
    for _ in write_dataset(tmp_path / "set", 1, 5, name):
        pass
    row = rows(tmp_path / "set")[0]
    clip = open_clip(tmp_path / "set" / row["clip"])
    truth = json.loads((tmp_path / "set" / "truth" / "sim_0000.json").read_text("utf-8"))
    assert clip.info.fps == pytest.approx(fps)
    assert truth["fps"] == truth["spec"]["picture"]["fps"] == fps
    assert len(clip) == truth["frames"] == len(truth["flow_mm"]) == int(row["stop"]) == pytest.approx(1.6 * fps, abs=1)


def test_a_data_set_is_not_mixed_into_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DatasetError, match="is not empty: name a new folder"):
        write_dataset(tmp_path, 1, 0)
    with pytest.raises(DatasetError, match="is a file: name a new folder"):
        write_dataset(tmp_path / "mine.txt", 1, 0)
    with pytest.raises(DatasetError, match="cannot be written"):
        write_dataset(tmp_path / "mine.txt" / "deeper", 1, 0)
    with pytest.raises(DatasetError, match="no clip format 'mov'"):
        write_dataset(tmp_path / "set", 1, 0, "mov")
    with pytest.raises(DatasetError, match="at least one clip"):
        write_dataset(tmp_path / "set", 0, 0)
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]
