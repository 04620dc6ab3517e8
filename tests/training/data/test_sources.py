from pathlib import Path

import numpy as np
import pytest
from still_clips import write_clips

from lsgui.core.errors import DatasetError
from lsgui.imaging.square_cutter import wall_in_pixels
from lsgui.training.data.sources import dataset_sources, read_dataset, read_row
from lsgui.training.strip.cases import cases_of_row
from lsgui.training.strip.windows import StripSource

HEADER = "clip,label,patient,source,start,stop,roi\n"
INDEX = Path(__file__).resolve().parents[3] / "trained_models" / "cmwru-strip" / "sliding_clips.csv"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER, "holds no clips"),
        ("clip,label\na,ls_p\n", "lacks the column patient"),
        (HEADER + "no.mp4,ls_p,a,b,0,,x.json\n", "there is no clip"),
        (HEADER + "dataset.csv,sliding,a,b,0,,x.json\n", "a label is ls_a or ls_p"),
        (HEADER + "dataset.csv,cannot_assess,a,b,0,,x.json\n", "not cannot_assess"),
    ],
)
def test_a_bad_data_set_gets_a_sentence(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_text(text)
    with pytest.raises(DatasetError, match=words):
        read_dataset(tmp_path)


def test_a_missing_data_set_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"needs a file dataset\.csv"):
        read_dataset(tmp_path)


def test_the_real_clips_are_read_with_their_lines_and_the_edits_do_what_they_say(shared_clips: Path) -> None:
    rows = read_dataset(shared_clips, INDEX)
    assert len(rows) == 10
    assert len({row.patient for row in rows}) == 7
    row = next(row for row in rows if row.clip.name == "Reg_recommendations_alines_mov1.mov")
    labelled = read_row(row)
    assert labelled.roi.polyline[:, 0].max() < labelled.frames.shape[2]
    cases = {case.kind: case for case in cases_of_row(row) if not case.corruption}
    index = {kind: case.evidence.index or 0.0 for kind, case in cases.items()}
    assert min(index["original"], index["sham"]) > 0.8
    assert max(index["frozen"], index["hard"], index["mirror"]) < 0.3
    wall = wall_in_pixels(cases["original"].strip, labelled.roi, labelled.mm_per_px)
    assert np.abs(wall).max() < 20


def test_a_clip_that_cannot_be_used_is_left_out_and_told(tmp_path: Path, expected_log_warnings: list) -> None:
    data = write_clips(tmp_path / "clips", ["a,ls_p,one,real,0,", "b,ls_p,two,real,29,", "a,ls_a,one,edited,0,"])
    rows = read_dataset(data)
    sources = dataset_sources(rows)
    assert [source.row for source in sources] == [rows[0], rows[2]]
    assert [(source.edited, float(source.absent.mean())) for source in sources] == [(True, 0.0), (False, 1.0)]
    (said,) = [record.getMessage() for record in expected_log_warnings]
    assert said.startswith("left out: b: frames 29 to 30 are not a clip")
    with pytest.raises(DatasetError, match=r"^b: frames 29 to 30"):
        dataset_sources(rows[1:2])


def test_simulated_sources_carry_their_truth(simulated: list[StripSource]) -> None:
    for index, source in enumerate(simulated):
        assert source.absent.shape == source.strip.frames.shape[::2]
        assert (source.absent.mean() > 0.5) == bool(index % 2)
        assert not source.edited
