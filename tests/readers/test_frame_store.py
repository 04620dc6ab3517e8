"""The growing store: exact, thread-safe, within its budget, and gone from disk when closed."""

import errno
import gc
import io
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsgui.core.errors import ClipReadError
from lsgui.readers import frame_store
from lsgui.readers.frame_store import GrowingFrames


def picture(k: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(k).integers(0, 256, (height, width), dtype=np.uint8)


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 40), budget=st.integers(0, 45))
def test_every_frame_comes_back_from_memory_and_from_disk(count, budget):
    store = GrowingFrames(24, 32, budget * 24 * 32)
    for k in range(count):
        store.append(picture(k))
    assert len(store) == count
    assert store.spilled == max(count - max(budget, 1), 0)
    for k in reversed(range(count)):
        frame = store.frame(k)
        assert (frame == picture(k)).all()
        assert not frame.flags.writeable
    for beyond in (-1, count, count + 5):
        with pytest.raises(IndexError):
            store.frame(beyond)
    store.close()


def test_a_buffer_that_is_used_again_does_not_change_what_was_stored():
    store = GrowingFrames(24, 32, 10_000)
    buffer = np.empty((24, 32), dtype=np.uint8)
    for k in range(20):
        buffer[:] = picture(k)
        store.append(buffer)
    assert all((store.frame(k) == picture(k)).all() for k in range(20))
    store.close()


def test_a_frame_of_another_size_or_type_is_a_mistake_of_the_program():
    store = GrowingFrames(24, 32, 10_000)
    for wrong in (picture(0, 32, 24), picture(0).astype(np.uint16), picture(0)[None]):
        with pytest.raises(ValueError, match="in a store of"):
            store.append(wrong)
    store.close()
    with pytest.raises(ValueError, match="closed"):
        store.append(picture(0))


def test_threads_read_while_one_appends():
    store = GrowingFrames(24, 32, 30 * 24 * 32)
    truth = [picture(k) for k in range(300)]
    wrong: list[int] = []
    done = threading.Event()

    def look(seed: int) -> None:
        draw = np.random.default_rng(seed)
        while not done.is_set():
            if ready := len(store):
                k = int(draw.integers(ready))
                if not (store.frame(k) == truth[k]).all():
                    wrong.append(k)

    watchers = [threading.Thread(target=look, args=(seed,)) for seed in range(3)]
    for watcher in watchers:
        watcher.start()
    for frame in truth:
        store.append(frame)
    done.set()
    for watcher in watchers:
        watcher.join()
    assert not wrong
    store.close()


@pytest.mark.parametrize("by_descriptor", [True, False])
def test_a_frame_that_is_being_written_keeps_nobody_from_those_on_disk(by_descriptor, monkeypatch):
    if not by_descriptor:  # as on Windows: there it waits, and is right all the same
        monkeypatch.setattr(frame_store, "_PREAD", None)
    elif frame_store._PREAD is None:
        return
    store = GrowingFrames(24, 32, 0)
    for k in range(5):
        store.append(picture(k))
    assert store.spilled == 4
    found: list[np.ndarray] = []
    reader = threading.Thread(target=lambda: found.append(store.frame(3)))
    with store._lock:  # what a slow disk holds while it writes
        reader.start()
        reader.join(5.0 if by_descriptor else 0.05)
        assert len(found) == int(by_descriptor)
    reader.join()
    assert (found[0] == picture(3)).all()
    store.close()
    with pytest.raises(IndexError):
        store.frame(3)


def test_closing_takes_the_temporary_file_away(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    handles = Path("/proc/self/fd")
    gc.collect()  # files that earlier tests forgot are closed now, and not in between
    before = len(list(handles.iterdir())) if handles.is_dir() else 0
    store = GrowingFrames(24, 32, 0)
    for k in range(5):
        store.append(picture(k))
    kept = store.frame(3)
    store.close()
    store.close()
    assert len(store) == 0
    with pytest.raises(IndexError):
        store.frame(0)
    assert (kept == picture(3)).all()
    assert not list(tmp_path.iterdir())
    forgotten = GrowingFrames(24, 32, 0)
    for k in range(5):
        forgotten.append(picture(k))
    del forgotten
    gc.collect()
    assert not list(tmp_path.iterdir())
    if handles.is_dir():
        assert len(list(handles.iterdir())) == before


class FullDisk:
    """A temporary file on a disk with room for a few frames."""

    def __init__(self, room: int, fault: int) -> None:
        self.room, self.fault, self.data, self.at = room, fault, bytearray(), 0

    def __enter__(self) -> "FullDisk":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")

    def seek(self, at: int) -> None:
        self.at = at

    def write(self, data: Any) -> int:
        taken = min(len(data), self.room - self.at, 500)  # unbuffered files write less than they are given
        if taken <= 0:
            raise OSError(self.fault, os.strerror(self.fault))
        self.data[self.at : self.at + taken] = data[:taken]
        self.at += taken
        return taken

    def read(self, count: int) -> bytes:
        count = min(count, 300)
        self.at += count
        return bytes(self.data[self.at - count : self.at])


@pytest.mark.parametrize(
    ("fault", "said"),
    [(errno.ENOSPC, "is full; free some space there and open the clip again."), (errno.EIO, "cannot be written")],
)
def test_a_full_disk_is_said_in_one_sentence_and_the_frames_so_far_stay(fault, said, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: FullDisk(3 * 24 * 32 + 100, fault))
    store = GrowingFrames(24, 32, 2 * 24 * 32, name="long.mp4")
    for k in range(5):
        store.append(picture(k))
    with pytest.raises(ClipReadError) as caught:
        store.append(picture(5))
    assert str(caught.value).startswith("long.mp4 is too long for memory and")
    assert said in str(caught.value)
    assert len(store) == 5
    assert all((store.frame(k) == picture(k)).all() for k in range(5))
    store.close()


def test_a_temporary_folder_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    store = GrowingFrames(24, 32, 0, name="long.mp4")
    store.append(picture(0))
    with pytest.raises(ClipReadError, match=r"long\.mp4 is too long for memory and the temporary folder"):
        store.append(picture(1))
    store.close()


LONG_CLIP = """
import sys
import numpy as np
from pathlib import Path
from lsgui.readers.base import open_clip
clip = open_clip(Path(sys.argv[1]))
assert len(clip) == 3000 and (clip.info.width, clip.info.height) == (1024, 768), clip.info
for k in np.random.default_rng(0).permutation(3000)[:400]:
    frame = clip.frame(int(k))
    number = sum(1 << b for b in range(12) if frame[32, 32 + 64 * b] > 128)
    assert number == k, (number, k)
assert clip.store.spilled > 2000
status = Path("/proc/self/status")
if status.exists():  # on Linux ru_maxrss would count the parent process as it was when this one was started
    print(next(int(line.split()[1]) // 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM")))
else:
    try:
        import resource
    except ImportError:
        print(0)
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 // 1024)
"""


def run_length_frame(k: int) -> bytes:
    """Return frame k of the long clip, 768 rows of 16 runs of 64 pixels, written by hand: encoders take a minute."""
    dark = bytes([193, 20]) * 16  # 193 means: repeat the next byte 64 times (PS3.5 G.3.1)
    lit = b"".join(bytes([193, 255 if k >> bit & 1 else 20]) for bit in range(16))
    return struct.pack("<16I", 1, 64, *[0] * 14) + dark * 16 + lit * 32 + dark * 720


def test_3000_frames_of_1024_by_768_open_and_scrub_within_the_memory_budget(tmp_path):
    """A whole process, libraries and decoder included, stays under 1.5 GiB at its peak."""
    from dicom_samples import header, save
    from pydicom.encaps import encapsulate

    tags = header(np.zeros((1, 768, 1024), dtype=np.uint8), "1.2.840.10008.1.2.5", NumberOfFrames=3000)
    path = save(tmp_path / "long.dcm", tags, encapsulate([run_length_frame(k) for k in range(3000)], has_bot=False))
    swift = Path("/dev/shm")  # the frames on disk are 2 GB: where there is such a folder, a slow disk does not matter
    roomy = swift.is_dir() and os.access(swift, os.W_OK) and shutil.disk_usage(swift).free > 4e9
    place = {"TMPDIR": str(swift)} if roomy else {}
    done = subprocess.run(
        [sys.executable, "-c", LONG_CLIP, str(path)], capture_output=True, check=False, env={**os.environ, **place}
    )
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) < 1536, f"{int(done.stdout)} MiB at the peak"
