"""The fuzzer, in small: its cases can be made again, and what it draws breaks nothing."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FUZZ = Path(__file__).parents[2] / "packaging" / "fuzz"
MODULES = ("bombs", "cases", "damage", "dicom_forms", "formats", "mutations", "odd_paths", "seeds", "targets", "worker")


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(FUZZ))
    yield importlib.import_module("cases")
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def whole_files(fuzz: Any, tmp_path: Path) -> Path:
    """A few whole files of kinds that need no decoder."""
    seeds = importlib.import_module("seeds")
    folder = tmp_path / "seeds"
    seeds.lines(folder / "line")
    seeds.labels(folder / "labels")
    return folder


def test_a_case_is_made_again_from_its_number(fuzz: Any, whole_files: Path, tmp_path: Path) -> None:
    def made(number: int, place: str) -> tuple[str, str, bytes]:
        case = fuzz.Cases(whole_files, 3).make(number, tmp_path / place)
        is_file = not case.path.is_symlink() and case.path.is_file()
        return case.target, case.name, case.path.read_bytes() if is_file and case.path.stat().st_size < 1e6 else b""

    first = [made(number, "one") for number in range(12)]
    assert first == [made(number, "two") for number in range(12)]
    assert len({data for _, _, data in first}) > 6


def test_what_is_drawn_is_opened_or_refused_in_a_sentence(fuzz: Any, whole_files: Path, tmp_path: Path) -> None:
    worker, targets = importlib.import_module("worker"), importlib.import_module("targets")
    from lsgui.core.errors import LsguiError

    cases, opened, sentences = fuzz.Cases(whole_files, 5), 0, []
    for number in range(60):
        case = cases.make(number, tmp_path / "work")
        if case.target not in ("line", "mask") or case.act:
            continue
        try:
            opened += targets.TARGETS[case.target](case.path) == 0
        except LsguiError as fault:
            sentences.append(str(fault))
    assert [sentence for sentence in sentences if worker.judged(sentence)[0] != "sentence"] == []
    assert opened + len(sentences) > 5


@pytest.mark.parametrize(
    ("sentence", "outcome"),
    [
        ("x.dcm cannot be read: it is empty; copy it again.", "sentence"),
        ("", "fault"),
        ("no full stop", "fault"),
        ("two\nlines.", "fault"),
        ("Traceback (most recent call last).", "fault"),
        ("ValueError: what a program says.", "fault"),
        ("x" * 400 + ".", "fault"),
        ("\x1b[31mred.", "fault"),
    ],
)
def test_what_counts_as_a_sentence(fuzz: Any, sentence: str, outcome: str) -> None:
    assert importlib.import_module("worker").judged(sentence)[0] == outcome
