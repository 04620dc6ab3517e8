import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from lsgui.core.errors import DatasetError
from lsgui.core.pleura import PleuralROI
from lsgui.simulation.edited_clip import edit_clip
from lsgui.training.data.labelled_clip import edited, open_row, wall_of
from lsgui.training.data.sources import dataset_sources, edited_rows, read_dataset, read_row

DEMO = Path(__file__).resolve().parents[3] / "resources" / "demo"
HEADER = "clip,label,patient,source,start,stop,roi\n"


def test_edges_of_a_stretch_keep_the_line_on_its_way_to_a_later_key_frame(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    for k in range(30):
        picture = np.random.default_rng(k).integers(20, 200, (120, 160), dtype=np.uint8)
        cv2.imwrite(str(folder / f"frame_{k}.png"), picture)
    lines = {str(k): [[20, 40 + k], [140, 40 + k]] for k in (0, 30)}
    (tmp_path / "roi.json").write_text(json.dumps({"frame": 0, "polyline": lines["0"], "keyframes": lines}))
    (tmp_path / "dataset.csv").write_text(HEADER + "clip,ls_p,p,s,5,25,roi.json\n")
    (row,) = read_dataset(tmp_path)
    opened = open_row(row)
    line = opened.line_in((10, 20, 100, 100))
    assert (opened.start, opened.stop) == (5, 25)
    assert [line.line_at(k).tolist() for k in (0, 19)] == [[[10, 25], [130, 25]], [[10, 44], [130, 44]]]
    labelled = read_row(row)
    assert len(labelled.frames) == len(labelled.times_s) == 20


def test_a_row_without_a_line_gets_the_one_that_is_found(tmp_path: Path) -> None:
    clip = DEMO / "sliding.mp4"
    given = json.loads((DEMO / "demo.json").read_text())
    roi = PleuralROI.from_json(next(entry["roi"] for entry in given if entry["file"] == clip.name))
    (tmp_path / "dataset.csv").write_text(HEADER + f"{clip},ls_p,,s,,40,\n")
    (row,) = read_dataset(tmp_path)
    assert (row.patient, row.roi, row.start, row.stop) == (str(clip), None, 0, 40)
    line = open_row(row).line
    assert line is not None
    assert line.source == "auto"
    assert abs(line.line_at(10)[:, 1].mean() - roi.line_at(10)[:, 1].mean()) < 6.0


@pytest.mark.parametrize("cells", ["-1,20", "20,20", "20,5"])
def test_a_stretch_that_is_none_gets_a_sentence(cells: str, tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_text(HEADER + f"dataset.csv,ls_p,a,b,{cells},x.json\n")
    with pytest.raises(DatasetError, match=r"line 2: frames .* no stretch"):
        read_dataset(tmp_path)


def test_edited_rows_are_strips_too_and_make_no_further_negatives(tmp_path: Path) -> None:
    entries = {entry["file"]: entry["roi"] for entry in json.loads((DEMO / "demo.json").read_text())}
    (tmp_path / "roi.json").write_text(json.dumps(entries["sliding.mp4"]))
    (tmp_path / "dataset.csv").write_text(HEADER + f"{DEMO / 'sliding.mp4'},ls_p,p,s,0,30,roi.json\n")
    original, held = dataset_sources(edited_rows(read_dataset(tmp_path), ("frozen",)))
    assert (original.edited, held.edited) == (True, False)
    assert (original.source, held.source, held.patient) == ("s", "edited", "p")
    assert (original.absent.max(), held.absent.min()) == (0.0, 1.0)
    lung = slice(held.strip.pleura_row + 3, held.strip.pleura_row + 15)
    change = [np.abs(np.diff(s.strip.frames[:, lung].astype(float), axis=0)).mean() for s in (original, held)]
    assert change[1] < 0.8 * change[0]


def test_a_mirrored_wall_is_no_brighter_than_the_lung_it_replaces(shared_clips: Path, tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_text(
        HEADER + f"{shared_clips / 'tuke_lumify_l12.mp4'},ls_p,p,s,60,90,{shared_clips / 'pleura.json'}\n"
    )
    labelled = read_row(read_dataset(tmp_path)[0])
    wall = wall_of(labelled)
    line = int(labelled.roi.bounds()[3])
    lung = slice(line + 8, line + 50)
    fps = 29 / float(labelled.times_s[-1])
    plain = edit_clip("mirror", labelled.frames, labelled.roi, wall, labelled.mm_per_px, fps, 1, labelled.inside)
    even = edited(labelled, "mirror", 1, wall).frames
    means = [float(frames[:, lung].mean()) for frames in (labelled.frames, plain, even)]
    spreads = [float(frames[:, lung].std()) for frames in (labelled.frames, plain, even)]
    assert abs(means[1] - means[0]) > 8.0
    assert abs(means[2] - means[0]) < 3.0
    assert abs(spreads[2] - spreads[0]) < 0.35 * spreads[0]
    above = slice(0, int(labelled.roi.bounds()[1]) - 8)
    assert np.array_equal(even[:, above], labelled.frames[:, above])
    assert np.corrcoef(even[:, lung].ravel(), plain[:, lung].ravel())[0, 1] > 0.5  # still the wall
