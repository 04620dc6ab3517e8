"""Names as files have them: on one line, as text, in a table, and as a name that every system takes."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsgui.core.file_names import (
    LONGEST_BYTES,
    as_cell,
    fitting_name,
    from_cell,
    native_name,
    one_line,
    shown_name,
    text_name,
)

ANY_NAME = st.binary(min_size=1, max_size=300).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(ANY_NAME)
def test_any_name_can_be_written_shown_and_given_to_a_file(name: str) -> None:
    assert text_name(name).encode()
    assert shown_name(name).isprintable()
    made = fitting_name(name, ".png")
    assert made.endswith(".png")
    assert len(made.encode()) <= LONGEST_BYTES
    assert made.isprintable()
    assert not set(made) & set('<>:"/\\|?*')
    assert not made.startswith(("-", "~"))


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_a_cell_is_never_a_formula_and_gives_its_text_back(text: str) -> None:
    cell = as_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert from_cell(cell) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-rf.avi", "'-rf.avi"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("'=1", "''=1"),
        ("it's", "it's"),
        ("lat\udce9in.avi", "lat%E9in.avi"),
    ],
)
def test_cells_as_spreadsheets_must_see_them(text: str, cell: str) -> None:
    assert as_cell(text) == cell


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("clip 7", "clip 7.png"),
        ("CON", "_CON.png"),
        ("nul.avi", "_nul.avi.png"),
        ("com1", "_com1.png"),
        ("console", "console.png"),
        ("../../evil", ".._.._evil.png"),
        ("..\\evil", ".._evil.png"),
        ("-rf", "_-rf.png"),
        ("a\nb\u202ec", "a b_c.png"),
        ("a. ", "a.png"),
        ("...", "_.png"),
        ("Łódź 😀", "Łódź 😀.png"),
    ],
)
def test_names_that_every_system_takes(name: str, made: str) -> None:
    assert fitting_name(name, ".png") == made


def test_long_names_are_cut_and_stay_apart() -> None:
    one, other = fitting_name("ä" * 250 + "1", ".png"), fitting_name("ä" * 250 + "2", ".png")
    assert one != other
    assert one.startswith("äää")
    assert one == fitting_name("ä" * 250 + "1", ".png")


def test_a_sentence_stays_on_its_line() -> None:
    assert one_line("a\nb\x1b[31m \r\u2028c\u202e") == "a b?[31m c?"


def test_a_name_that_is_no_text_is_opened_by_number(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        return  # other systems have no such names
    plain, odd = tmp_path / "plain", tmp_path / "lat\udce9in"
    for path in (plain, odd):
        path.write_bytes(b"here")
    with native_name(plain) as name:
        assert name == str(plain)
    with native_name(odd) as name:
        assert name is not None
        assert name.isascii()
        assert Path(name).read_bytes() == b"here"
