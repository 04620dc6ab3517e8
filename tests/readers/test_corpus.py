"""The permanent corpus: small damaged files of every kind; each is answered as its book says, quickly."""

import contextlib
import importlib
import io
import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsgui.core.errors import LONGEST_SENTENCE, LsguiError

CORPUS = Path(__file__).parents[1] / "corpus"
FUZZ = Path(__file__).parents[2] / "packaging" / "fuzz"
BOOK: dict[str, dict[str, str]] = json.loads((CORPUS / "answers.json").read_text("utf-8"))
LONGEST_S = 10.0
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BY_DECODER = "either"


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.syspath_prepend(str(FUZZ))
    yield importlib.import_module("targets").TARGETS
    sys.modules.pop("targets", None)


def test_the_book_and_the_files_agree() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file() and path.name != "answers.json"]
    assert {path.relative_to(CORPUS).as_posix() for path in files} == set(BOOK)
    assert len(files) > 200
    assert max(path.stat().st_size for path in files) <= 20_000
    assert sum(path.stat().st_size for path in files) < 1_000_000
    assert {answer["gives"] for answer in BOOK.values()} == {"opened", "refused", _BY_DECODER}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("target", sorted({name.partition("/")[0] for name in BOOK}))
def test_every_file_is_answered(target: str, targets: dict[str, Any], tmp_path: Path) -> None:
    wrong = {}
    for name in (name for name in BOOK if name.startswith(f"{target}/")):
        work = tmp_path / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        path = work / Path(name).name
        shutil.copyfile(CORPUS / name, path)
        began = time.monotonic()
        given, sentence = _answer(targets[target], path)
        if time.monotonic() - began > LONGEST_S:
            wrong[name] = "it took too long"
        elif given == "refused" and not _is_one_sentence(sentence):
            wrong[name] = f"not one sentence: {sentence}"
        elif BOOK[name]["gives"] not in (given, _BY_DECODER):
            wrong[name] = f"{given}: {sentence}"
    assert wrong == {}


def _answer(opens: Any, path: Path) -> tuple[str, str]:
    said, errors = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
            status = opens(path)
    except LsguiError as fault:
        return "refused", str(fault)
    lines = errors.getvalue().splitlines()
    assert status in (0, 2), lines
    assert all(line.startswith("lsgui: ") for line in lines), lines
    return ("opened", "") if status == 0 else ("refused", lines[-1].removeprefix("lsgui: "))


def _is_one_sentence(sentence: str) -> bool:
    short = 0 < len(sentence) <= LONGEST_SENTENCE + 20
    return short and sentence.endswith(".") and not CONTROL.search(sentence) and "Error:" not in sentence
