"""Reading in a process of its own: the same frames, and whatever happens to that process, one sentence."""

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from lsgui.bench.sample_clips import sample_movie
from lsgui.bench.sample_dicom import JPEG, write_dicom
from lsgui.core.clip import Clip
from lsgui.core.errors import CancelledError, ClipReadError
from lsgui.core.prediction import QualityFlag
from lsgui.decoding import decoder_process
from lsgui.decoding.clip_opening import ClipHearer, open_clip_apart
from lsgui.decoding.decoder_process import DecoderProcess, ReadingFaultError
from lsgui.decoding.messages import DecodeClip, FramesReady, Known, LineFound, LookAtClip, PictureOf, Surveyed
from lsgui.readers.base import open_clip

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
BUDGET = 1 << 26


@pytest.fixture
def decoder() -> Iterator[DecoderProcess]:
    process = DecoderProcess("tested")
    yield process
    process.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DICOM clip, a movie and a folder of pictures, each of frames that differ."""
    folder = tmp_path_factory.mktemp("apart")
    noise = np.random.default_rng(1)
    frames = [cv2.GaussianBlur(noise.integers(0, 255, (96, 128), np.uint8), (0, 0), 3) for _ in range(30)]
    write_dicom(folder / "clip.dcm", frames, JPEG)
    (folder / "pictures").mkdir()
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / "pictures" / f"{number}.png"), frame)
    return folder


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated lung in which a line is found."""
    return sample_movie(tmp_path_factory.mktemp("apart"), frames=60, width=320, height=240, simulated=60).path


def same(one: Clip, other: Clip) -> bool:
    return one.info == other.info and all(
        np.array_equal(one.frame(k), other.frame(k)) for k in range(max(len(one), len(other)))
    )


def gone(pid: int) -> bool:
    """Wait until a process has ended; its owner may not have noticed yet."""
    end = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def asked(path: Path, *, calm: bool = False) -> DecodeClip:
    return DecodeClip(path, "auto", BUDGET, calm)


@pytest.mark.parametrize("name", ["clip.dcm", "pictures"])
def test_a_clip_is_the_same_as_read_here(decoder, folder, name):
    apart = open_clip_apart(decoder, folder / name)
    assert same(apart, open_clip(folder / name))
    with pytest.raises(ValueError, match="read-only"):
        apart.frame(0)[0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        apart.frame(0).setflags(write=True)


def test_frames_beyond_the_memory_go_to_disk(decoder, folder):
    apart = open_clip_apart(decoder, folder / "clip.dcm", budget_bytes=10 * 96 * 128)
    assert apart.store.spilled == 20
    assert same(apart, open_clip(folder / "clip.dcm"))
    apart.store.close()


def test_a_file_that_is_no_clip_is_one_sentence(decoder, tmp_path):
    (tmp_path / "words.dcm").write_text("no clip")
    with pytest.raises(ClipReadError, match=r"^words\.dcm cannot be read: .*DICOM.*\.$"):
        open_clip_apart(decoder, tmp_path / "words.dcm")


def test_the_clip_is_looked_at_where_it_was_decoded(decoder, movie):
    open_clip_apart(decoder, movie)
    said: list[Any] = []
    decoder.ask(movie, LookAtClip(asked(movie), survey=True, suggest=True), said.append)
    assert [type(one) for one in said] == [Known, Surveyed, LineFound]
    assert QualityFlag.TOO_SHORT in said[1].quality
    assert said[2].roi is not None
    first, pid = said[2].roi, decoder.pid
    os.kill(pid, signal.SIGTERM)  # one that has ended decodes the clip once more
    assert gone(pid)
    said.clear()
    decoder.ask(movie, LookAtClip(asked(movie), survey=False, suggest=True), said.append)
    assert [type(one) for one in said] == [LineFound]
    assert said[0].roi.to_json() == first.to_json()
    assert decoder.pid != pid


def test_a_small_picture_is_a_jpeg_of_the_asked_size(decoder, folder):
    made: list[Any] = []
    decoder.ask(folder / "clip.dcm", PictureOf(folder / "clip.dcm", 128, 96), made.append)
    picture = cv2.imdecode(np.frombuffer(made[0].jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (96, 128)
    assert (made[0].info.format, made[0].info.frames) == ("dicom", 30)


@needs_signals
@pytest.mark.parametrize("number", ["SIGSEGV", "SIGKILL"])
def test_a_decoder_that_crashes_is_one_sentence_and_the_next_clip_opens(decoder, folder, number, caplog):
    caplog.set_level(logging.INFO)
    clip = folder / "clip.dcm"

    def crash(reply: Any) -> None:
        if isinstance(reply, FramesReady):
            os.kill(decoder.pid, getattr(signal, number))

    words = "crashed" if number == "SIGSEGV" else "lack of memory"
    with pytest.raises(ClipReadError, match=rf"^clip\.dcm cannot be read: .*{words}.*\.$"):
        decoder.ask(clip, asked(clip, calm=True), crash)
    assert same(open_clip_apart(decoder, clip), open_clip(clip))
    assert [line for line in caplog.messages if "the reading process ended" in line]


@needs_signals
def test_a_process_that_dies_at_rest_is_replaced_without_a_word(decoder, folder):
    decoder.start()
    pid = decoder.pid
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert len(open_clip_apart(decoder, folder / "clip.dcm")) == 30
    assert decoder.pid != pid


@needs_signals
def test_a_drive_that_never_answers_is_one_sentence(decoder, folder, monkeypatch):
    clip = folder / "clip.dcm"
    open_clip_apart(decoder, clip)  # the libraries are loaded
    monkeypatch.setattr(decoder_process, "STALL_LOOKS", 8)

    def stall(reply: Any) -> None:
        if isinstance(reply, FramesReady):
            os.kill(decoder.pid, signal.SIGSTOP)

    with pytest.raises(ClipReadError, match=r"^clip\.dcm cannot be read: nothing came of it .*drive or network.*\.$"):
        decoder.ask(clip, asked(clip, calm=True), stall)
    monkeypatch.undo()
    assert len(open_clip_apart(decoder, clip)) == 30


def test_what_nobody_wants_any_more_is_stopped_and_the_process_goes_on(decoder, folder):
    clip = folder / "clip.dcm"
    stopped = threading.Event()

    def stop(reply: Any) -> None:
        if isinstance(reply, FramesReady):
            stopped.set()

    decoder.start()
    pid = decoder.pid
    with pytest.raises(CancelledError):
        decoder.ask(clip, asked(clip, calm=True), stop, stopped.is_set)
    assert len(open_clip_apart(decoder, clip)) == 30
    assert decoder.pid == pid


def test_a_calm_clip_rests_after_every_frame_until_somebody_waits_for_it(decoder, folder):
    decoder.start()
    clip = folder / "clip.dcm"
    open_clip_apart(decoder, clip)  # the libraries are loaded
    began = time.perf_counter()
    decoder.ask(clip, asked(clip, calm=True), lambda _reply: None)
    calm = time.perf_counter() - began
    assert calm >= 30 * 0.003
    hurry = threading.Event()
    hurry.set()
    heard = ClipHearer(asked(clip, calm=True))
    decoder.ask(clip, heard.asked, heard.hear, hurry=hurry)
    assert len(heard.clip()) == 30


def test_who_waits_for_a_clip_comes_before_a_look_at_another(decoder, folder, movie):
    looking, ended = threading.Event(), []

    def look() -> None:
        try:
            decoder.ask(
                movie,
                LookAtClip(asked(movie), survey=True, suggest=True),
                lambda _reply: looking.set() or time.sleep(0.2),
            )
        except CancelledError:
            ended.append("given up")

    other = threading.Thread(target=look)
    other.start()
    assert looking.wait(30)
    heard = ClipHearer(asked(folder / "clip.dcm"))
    decoder.ask(folder / "clip.dcm", heard.asked, heard.hear, urgent=True)
    other.join(30)
    assert ended == ["given up"]
    assert len(heard.clip()) == 30


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="only Linux tells what is mapped")
def test_memory_is_given_back_on_both_sides(decoder, folder):
    def mapped(pid: int) -> int:
        return Path(f"/proc/{pid}/maps").read_text().count("lsgui-frames")

    gc.collect()
    before = mapped(os.getpid())  # clips of other tests
    clip = open_clip_apart(decoder, folder / "clip.dcm")
    assert mapped(os.getpid()) == before + 1
    assert mapped(decoder.pid) == 1
    clip.store.close()
    assert mapped(os.getpid()) == before
    decoder.forget()
    end = time.monotonic() + 5
    while mapped(decoder.pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert mapped(decoder.pid) == 0


def test_the_process_ends_with_its_owner(folder):
    code = (
        "import os, sys; from pathlib import Path; from lsgui.decoding.decoder_process import DecoderProcess;"
        "d = DecoderProcess('orphan'); d.start(); print(d.pid, flush=True); os._exit(1)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    pid = int(said.stdout)
    assert gone(pid)


def test_a_fault_of_the_program_is_raised_here_with_the_place_where_it_arose(decoder, folder):
    clip = folder / "clip.dcm"
    with pytest.raises(ReadingFaultError, match="resize") as raised:
        decoder.ask(clip, PictureOf(clip, 0, 0), print)  # a picture without a pixel
    assert "small_picture.py" in str(raised.value.__cause__)
    assert len(open_clip_apart(decoder, clip)) == 30


def test_a_closed_process_is_asked_nothing_more(decoder, folder):
    decoder.start()
    decoder.close()
    with pytest.raises(CancelledError):
        open_clip_apart(decoder, folder / "clip.dcm")


def test_a_clip_that_ends_early_says_so(decoder, folder, tmp_path):
    whole = (folder / "clip.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[: len(whole) * 2 // 3])
    here, apart = open_clip(tmp_path / "cut.dcm"), open_clip_apart(decoder, tmp_path / "cut.dcm")
    assert same(here, apart)
    assert 0 < len(apart) < 30
    assert replace(apart.info, note="") != apart.info
