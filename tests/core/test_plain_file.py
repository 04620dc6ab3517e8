"""Files from elsewhere: what is no file is refused at once, what is too large not read, what never answers left."""

import os
import sys
import threading
from pathlib import Path

import pytest

from lsgui.core import plain_file
from lsgui.core.errors import LONGEST_SENTENCE, LsguiError, sayable
from lsgui.core.plain_file import UnfitFileError, check_plain, first_bytes, in_time, read_json, read_plain

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes on this system")


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    assert (check_plain(path), first_bytes(path, 4), read_plain(path, 10)) == (10, b"0123", b"0123456789")
    (tmp_path / "link").symlink_to(path)
    assert read_plain(tmp_path / "link", 10) == b"0123456789"


def test_what_is_larger_than_allowed_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(2 << 20))
    with pytest.raises(UnfitFileError, match="larger than 1 MB"):
        read_plain(path, 1 << 20)


def test_a_file_of_which_nothing_was_written_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(b"{")
        file.truncate(100 << 30)
    if getattr(path.stat(), "st_blocks", None) is None:
        return  # a system that does not say what was written
    with pytest.raises(UnfitFileError, match="ever written"):
        first_bytes(path, 1)


@needs_pipes
@pytest.mark.parametrize("read", [check_plain, lambda p: first_bytes(p, 1), lambda p: read_plain(p, 9), read_json])
def test_a_pipe_is_not_waited_for(tmp_path: Path, read: object) -> None:
    path = tmp_path / "pipe"
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
    with pytest.raises(UnfitFileError, match="a pipe, not a file"):
        read(path)  # type: ignore[operator]


@pytest.mark.skipif(sys.platform == "win32", reason="no such devices on this system")
def test_a_device_and_a_file_that_the_system_makes_up_are_not_read() -> None:
    with pytest.raises(UnfitFileError, match="a device, not a file"):
        read_plain(Path("/dev/zero"), 9)
    if Path("/proc/kmsg").exists():
        assert first_bytes(Path("/proc/kmsg"), 9) == b"", "reading it would wait for ever"


def test_a_disk_that_does_not_answer_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(plain_file, "PATIENCE_S", 0.05)
    with pytest.raises(UnfitFileError, match="does not answer"):
        in_time(tmp_path, answer.wait)
    answer.set()  # so that the thread that asked ends too


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000, '"\\ud800"', "{", "\ufeff", "9" * 6000])
def test_json_that_python_falls_over_is_no_json(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError):  # noqa: PT011 - json words each of them in its own way
        read_json(path)


def test_a_sentence_is_one_line_and_not_endless() -> None:
    said = str(LsguiError(f"a\nb\x1b[31m{'k' * 100_000}\ud800\u202e: is wrong; mend it."))
    assert len(said) <= LONGEST_SENTENCE
    assert said.isprintable()
    assert said.startswith("a b?[31mkkk")
    assert said.endswith("is wrong; mend it.")
    many = sayable("word " * 1000 + "and the remedy.")
    assert len(many) <= LONGEST_SENTENCE
    assert many.endswith("and the remedy.")
    assert sayable("µ ± 5 % \u2013 as it is.") == "µ ± 5 % \u2013 as it is."
