"""What tables of labelled clips look like when people have made them."""

from logging import LogRecord
from pathlib import Path

import pytest

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.training.data.data_folder import read_folder
from lsgui.training.data.dataset_rows import COLUMNS, read_csv
from lsgui.training.data.split import Split, read_split, save_split

HEADER = ",".join(COLUMNS)


def folder_of(tmp_path: Path, *lines: str, newline: str = "\n", start: bytes = b"") -> Path:
    (tmp_path / "a.avi").touch()
    (tmp_path / "b.avi").touch()
    (tmp_path / "dataset.csv").write_bytes(start + newline.join([HEADER, *lines, ""]).encode())
    return tmp_path


def test_missing_clips_are_listed_and_the_rest_is_used(tmp_path: Path, expected_log_warnings: list[LogRecord]) -> None:
    gone = [f"gone_{k}.avi,ls_a,Q{k},s,0,,," for k in range(4)]
    found = read_folder(folder_of(tmp_path, "a.avi,ls_a,P,s,0,,", *gone, gone[0]))
    assert [row.name for row in found.rows] == ["a.avi"]
    assert found.missing == ("gone_0.avi", "gone_1.avi", "gone_2.avi", "gone_3.avi")
    assert found.note == (
        "4 of the 5 clips of dataset.csv are not in the folder and are left out: "
        "gone_0.avi, gone_1.avi, gone_2.avi, ..."
    )
    assert read_csv(tmp_path, tmp_path / "dataset.csv") == found.rows
    assert [record.getMessage() for record in expected_log_warnings] == [found.note]


def test_a_table_without_one_clip_that_is_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"there is no clip of the 2 that it names, such as .*gone\.avi"):
        read_folder(folder_of(tmp_path, "gone.avi,ls_a,P,s,0,,", "away.avi,ls_a,P,s,0,,"))


@pytest.mark.parametrize("missing", ["", "gone.avi"])
def test_a_missing_clip_hides_no_wrong_row(missing: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="line 3"):
        read_folder(folder_of(tmp_path, "a.avi,ls_a,P,s,0,,", f"{missing},sliding,P,s,0,,"))


def test_a_name_that_no_file_can_have_is_one_short_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"line 3: there can be no clip 'x{60}\.\.\.'") as said:
        read_folder(folder_of(tmp_path, "a.avi,ls_a,P,s,0,,", "x" * 300 + ".avi,ls_a,P,s,0,,"))
    assert "\n" not in str(said.value)


def test_tables_come_as_spreadsheets_write_them(tmp_path: Path) -> None:
    lines = (" a.avi , ls_a , P ,s,0, 20 ,", f"{tmp_path / 'b.avi'},ls_p\t,Q,s,,,line.json")
    folder = folder_of(tmp_path, *lines, newline="\r\n", start=b"\xef\xbb\xbf")
    one, other = read_folder(folder).rows
    assert (one.clip, one.label, one.patient, one.stop) == (folder / "a.avi", SlidingLabel.LS_A, "P", 20)
    assert (other.clip, other.label, other.roi) == (folder / "b.avi", SlidingLabel.LS_P, folder / "line.json")


def test_a_split_whose_clips_are_gone_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.avi,ls_a,P,s,0,,", "b.avi,ls_a,Q,s,0,,")
    one, other = read_folder(folder).rows
    save_split(Split((one,), (), (other,)), folder, tmp_path / "split.csv")
    assert read_split(folder, tmp_path / "split.csv").test == (other,)
    (folder / "b.avi").unlink()
    with pytest.raises(DatasetError, match="line 3: there is no clip"):
        read_split(folder, tmp_path / "split.csv")
