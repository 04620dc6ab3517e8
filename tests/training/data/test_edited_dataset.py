"""Edited clips on disk: named edited everywhere, readable, and the patients' own."""

import csv
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import check_roi_fits, read_roi_file
from lsgui.readers.base import open_clip
from lsgui.simulation import ClipSpec, simulate_clip
from lsgui.simulation.clip_files import write_clip
from lsgui.simulation.edited_clip import ALL_EDITS
from lsgui.simulation.spec import Motion, Picture, Scanner
from lsgui.training.data.edited_dataset import rows_to_edit, write_edits
from lsgui.training.data.sources import read_dataset

LEAD_IN = 3


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of three clips of two patients: two slide, one does not; and an edit that is not to be edited."""
    folder = tmp_path_factory.mktemp("recorded")
    table = []
    for index, (label, patient) in enumerate((("ls_p", "A"), ("ls_a", "A"), ("ls_p", "Bé"), ("ls_p", "A"))):
        spec = ClipSpec(
            label=SlidingLabel(label),
            picture=Picture(120, 130, 0.3, 16.0, 1.4),
            motion=Motion(speed_mm_s=8.0 if label == "ls_p" else 0.0),
            scanner=Scanner(black_lead_in=LEAD_IN),
        )
        made = simulate_clip(spec, index)
        path = write_clip(folder / f"clip {index}", made, patient, "avi")
        roi = {**made.roi.to_json(), "mm_per_px": made.mm_per_px}
        (folder / f"line {index}.json").write_text(json.dumps(roi), encoding="utf-8")
        source = "edited" if index == 3 else "ward"
        table.append([path.name, label, patient, source, "", "", f"line {index}.json"])
    with (folder / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["clip", "label", "patient", "source", "start", "stop", "roi"], *table])
    return folder


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "dataset.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_sliding_clip_of_a_folder_is_edited_for_its_patient(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "edited"
    rows = rows_to_edit(recorded, None)
    assert [row.clip.name for row in rows] == ["clip 0.avi", "clip 2.avi"]
    names = list(write_edits(out, rows, ("hard", "sham"), 1, "avi"))
    assert names == [row["clip"] for row in table(out)]
    assert names == [f"clip {k}_edited_{kind}.avi" for k in (0, 2) for kind in ("hard", "sham")]
    assert [row["label"] for row in table(out)] == ["ls_a", "ls_p"] * 2
    assert [row["patient"] for row in table(out)] == ["A", "A", "Bé", "Bé"]
    assert {row["source"] for row in table(out)} == {"edited"}
    assert len(read_dataset(out)) == 4  # train and evaluate read it
    for row in table(out):
        clip = open_clip(out / row["clip"])
        check_roi_fits(read_roi_file(out / row["roi"]), clip.info.width, clip.info.height, row["clip"])
        assert (out / row["clip"]).read_bytes().count(b"not patient data") == 1
        truth = json.loads((out / "truth" / f"{Path(row['clip']).stem}.json").read_text("utf-8"))
        assert truth["edited"] is True
        assert truth["label"] == row["label"]
        assert (truth["start"], truth["stop"]) == (LEAD_IN, len(clip)) == (int(row["start"]), int(row["stop"]))
        assert truth["mm_per_px"] == pytest.approx(0.3)  # as the file of the line says
        assert len(truth["pleura"]) == len(truth["wall_mm"]) == len(clip) - LEAD_IN


@pytest.mark.parametrize("name", ["png", "avi", "dicom"])
def test_one_clip_is_edited_in_every_kind_and_format(name: str, recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "edited"
    rows = rows_to_edit(recorded / "clip 0.avi", recorded / "line 0.json")
    kinds = ALL_EDITS if name == "png" else ("hard_drift",)
    made = list(write_edits(out, rows, kinds, 1, name))
    assert [item for item in made if "_edited_" not in item] == []
    assert [row["label"] == "ls_p" for row in table(out)] == [kind == "sham" for kind in kinds]
    original = open_clip(recorded / "clip 0.avi")
    for row in table(out):
        clip = open_clip(out / row["clip"])
        assert (len(clip), clip.info.width, clip.info.height) == (len(original), 120, 130)
        change = np.abs(clip.stack().astype(int) - original.stack())
        assert change[:LEAD_IN].mean() < 0.5
        assert change[LEAD_IN:].mean() > 1.0
    if name == "png":
        assert b"tEXtComment\0Edited clip" in (out / made[0] / "frame_0.png").read_bytes()[:120]
    if name == "dicom":
        data = pydicom.dcmread(out / made[0])
        assert data.ImageType[0] == "DERIVED"
        assert data.DerivationDescription.startswith("Edited clip (hard_drift), not patient data")
        assert "EDITED" in str(data.PatientName)
        assert data.PatientID == "clip 0"
        assert "simulat" not in str(data).lower()


def test_seed_and_processes_change_nothing_but_what_they_should(recorded: Path, tmp_path: Path) -> None:
    rows = rows_to_edit(recorded, None)
    for name, jobs in (("one", 1), ("two", 2)):
        list(write_edits(tmp_path / name, rows, ("hard_pulse",), 5, "avi", jobs))
    for path in sorted((tmp_path / "one").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
    list(write_edits(tmp_path / "other", rows, ("hard_pulse",), 6, "avi"))
    clip = "clip 0_edited_hard_pulse.avi"
    assert (tmp_path / "one" / clip).read_bytes() != (tmp_path / "other" / clip).read_bytes()


def test_clips_of_one_name_keep_apart(recorded: Path, tmp_path: Path) -> None:
    row = rows_to_edit(recorded, None)[0]
    made = list(write_edits(tmp_path / "edited", (row, row), ("frozen",), 1))
    assert made == ["clip 0_edited_frozen.avi", "clip 0-2_edited_frozen.avi"]


def test_what_cannot_be_edited_is_said_in_a_sentence(recorded: Path, tmp_path: Path) -> None:
    line = recorded / "line 0.json"
    for source, roi, sentence in (
        (recorded / "gone.avi", line, "is not there"),
        (recorded, line, "leave out --roi"),
        (recorded / "clip 0.avi", None, "name its file with --roi"),
        (tmp_path / "x_edited_hard.avi", line, "is an edited clip already"),
    ):
        if "edited" in source.name:
            source.write_bytes(b"")
        with pytest.raises(DatasetError, match=sentence):
            rows_to_edit(source, roi)
    still = tmp_path / "still"
    still.mkdir()
    (still / "dataset.csv").write_text(
        f"clip,label,patient,source,start,stop,roi\n{recorded / 'clip 1.avi'},ls_a,A,w,,,\n"
    )
    with pytest.raises(DatasetError, match="holds no clip labelled ls_p"):
        rows_to_edit(still, None)
    with pytest.raises(DatasetError, match="no edit 'melted'"):
        write_edits(tmp_path / "out", rows_to_edit(recorded, None), ("melted",), 1)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
