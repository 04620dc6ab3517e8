"""Small files that ask for much, and paths that are no file: refused at once, or shown as far as a clip can go."""

import io
import os
import socket
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_samples import header, save, write_dicom
from PIL import Image
from pydicom.encaps import encapsulate
from reader_samples import numbered_frames, write_folder

from lsgui.core.errors import ClipReadError
from lsgui.readers import frame_source
from lsgui.readers.base import find_clips, is_clip, open_clip
from lsgui.readers.dicom_parts import header as dicom_header
from lsgui.readers.dicom_parts.identity import read_identity
from lsgui.readers.frame_blocks import rooms_in_block

posix = pytest.mark.skipif(sys.platform == "win32", reason="no such paths on this system")


def sentence_of(path: Path, longest_s: float = 5.0) -> str:
    began = time.monotonic()
    with pytest.raises(ClipReadError) as caught:
        open_clip(path)
    assert time.monotonic() - began < longest_s
    return str(caught.value)


def deflated_bomb(path: Path, megabytes: int, *, preamble: bool = True) -> Path:
    """Write a deflated file whose pixels are zeros."""
    write_dicom(path, numbered_frames(2), "deflated")
    data = path.read_bytes()
    end = 144 + struct.unpack_from("<I", data, 140)[0]
    plain = zlib.decompress(data[end:], -zlib.MAX_WBITS)
    pack = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    code = pack.compress(plain) + b"".join(pack.compress(bytes(1 << 20)) for _ in range(megabytes)) + pack.flush()
    path.write_bytes((data[:end] if preamble else data[132:end]) + code)
    return path


@pytest.mark.parametrize("preamble", [True, False])
def test_a_deflated_file_does_not_fill_disk_or_memory(preamble, tmp_path, monkeypatch):
    monkeypatch.setattr(dicom_header, "_INFLATED", 8 << 20)
    path = deflated_bomb(tmp_path / "bomb.dcm", 40, preamble=preamble)
    assert "header is damaged" in sentence_of(path)
    with pytest.raises(ClipReadError, match="header is damaged"):
        read_identity(path)


def test_a_header_without_end_is_refused(tmp_path):
    path = write_dicom(tmp_path / "tags.dcm", numbered_frames(2), "explicit little endian")
    data = path.read_bytes()
    place = data.index(b"\x28\x00\x02\x00US")
    tags = b"".join(struct.pack("<HH2sH", 0x0029, k, b"LO", 0) for k in range(30_000))
    path.write_bytes(data[:place] + tags + data[place:])
    assert "header is damaged" in sentence_of(path)


def test_a_clip_that_unfolds_without_end_is_shown_as_far_as_a_clip_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_source, "UNFOLDED_BYTES", 100_000)
    black = np.zeros((12, 128, 128), dtype=np.uint8)
    clip = open_clip(write_folder(tmp_path / "black", black))  # 12 frames of 16 kB from 12 files of 70 bytes
    assert 1 <= len(clip) < 12
    assert "unfolds to more than a clip can be" in clip.info.note
    whole = open_clip(write_folder(tmp_path / "true", numbered_frames(12)))
    assert (len(whole), whole.info.note) == (12, "")


def test_a_clip_has_no_more_frames_than_a_clip_can_have(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_source, "MAX_FRAMES", 7)
    clip = open_clip(write_folder(tmp_path / "long", numbered_frames(12)))
    assert len(clip) == 7
    assert clip.info.note.startswith("Only the first 7 frames are shown")


def test_deep_pictures_that_unfold_are_not_all_read_for_their_range(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_source, "UNFOLDED_BYTES", 100_000)
    clip = open_clip(write_folder(tmp_path / "deep", np.zeros((12, 128, 128), dtype=np.uint16)))
    assert 1 <= len(clip) < 12


def test_a_jpeg_of_endless_scans_is_damaged(tmp_path):
    out = io.BytesIO()
    Image.fromarray(numbered_frames(1)[0]).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    last = data.rindex(b"\xff\xda")
    bomb = data[:last] + data[last:-2] * 3000 + data[-2:]
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "f0.jpg").write_bytes(bomb)
    assert "f0.jpg is damaged" in sentence_of(tmp_path / "scans")
    dataset = header(numbered_frames(1), "1.2.840.10008.1.2.4.50")
    assert "compressed frame is damaged" in sentence_of(save(tmp_path / "scans.dcm", dataset, encapsulate([bomb])))
    (tmp_path / "scans" / "f0.jpg").write_bytes(data)
    assert len(open_clip(tmp_path / "scans")) == 1, "a progressive picture is none"


def test_a_cut_frame_of_jpeg_ls_is_refused_at_once(tmp_path):
    from jpeg_ls import encode_array

    frames = numbered_frames(1)
    code = bytes(encode_array(frames[0]))
    path = save(tmp_path / "cut.dcm", header(frames, "1.2.840.10008.1.2.4.80"), encapsulate([code[: len(code) // 2]]))
    assert "compressed frame is damaged" in sentence_of(path, 3.0)


def test_what_pillow_thinks_of_a_picture_goes_nowhere(tmp_path):
    folder = write_folder(tmp_path / "tiff", numbered_frames(2), ".tif")
    data = bytearray((folder / "frame_1.tif").read_bytes())
    directory = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<HHII", data, directory + 2, 34665, 4, 1, len(data) - 2)  # EXIF behind the end: Pillow warns
    (folder / "frame_1.tif").write_bytes(data)
    code = (
        "import sys; from pathlib import Path; from lsgui.readers.base import open_clip; open_clip(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, check=False)
    assert b"Warning" not in done.stderr
    assert b"pillow" not in done.stderr.lower()


def test_a_clip_of_single_pixels_is_no_millions_of_arrays(tmp_path):
    """A block of 33 MB held as many frames of a pixel: three gigabytes of arrays for a file of a kilobyte."""
    assert rooms_in_block(1, 1) == rooms_in_block(8, 8) == 1024
    assert rooms_in_block(800, 600) == (33 << 20) // (800 * 600)
    assert rooms_in_block(4096, 4096) == 2
    path = write_dicom(tmp_path / "pixel.dcm", numbered_frames(8)[:, :1, :1], "explicit little endian")
    clip = open_clip(path)
    assert (len(clip), clip.frame(7).shape) == (8, (1, 1))


def test_a_sequence_of_regions_without_end_is_not_taken_apart(tmp_path):
    path = write_dicom(tmp_path / "regions.dcm", numbered_frames(2), "explicit little endian")
    data = path.read_bytes()
    place = data.index(b"\x28\x00\x02\x00US")
    items = b"\xfe\xff\x00\xe0\0\0\0\0" * 100_000
    for length in (len(items), 0xFFFFFFFF):  # what has no length pydicom takes apart at once
        sequence = struct.pack("<HH2sHI", 0x18, 0x6011, b"SQ", 0, length) + items + b"\xfe\xff\xdd\xe0\0\0\0\0"
        path.write_bytes(data[:place] + sequence[: None if length == 0xFFFFFFFF else -8] + data[place:])
        began = time.process_time()
        if length == 0xFFFFFFFF:
            assert "header is damaged" in sentence_of(path, 60.0)
        else:
            assert open_clip(path).info.region is None
        assert time.process_time() - began < 5.0


def test_what_pydicom_cannot_parse_is_a_damaged_header_and_no_fault_of_the_drive(tmp_path):
    path = write_dicom(tmp_path / "deep.dcm", numbered_frames(2), "explicit little endian")
    data = path.read_bytes()
    place = data.index(b"\x28\x00\x02\x00US")
    nest = (struct.pack("<HH2sHI", 0x18, 0x6011, b"SQ", 0, 0xFFFFFFFF) + b"\xfe\xff\x00\xe0" + b"\xff" * 4) * 50
    path.write_bytes(data[:place] + nest + data[place:])
    assert "its DICOM header is damaged" in sentence_of(path)


# --- paths that are no file -------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("suffix", [".dcm", ".mp4", ".gif", "", ".png"])
def test_a_pipe_is_not_waited_for(suffix, tmp_path):
    path = tmp_path / f"pipe{suffix}"
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
    assert "it is a pipe, not a file" in sentence_of(path)
    assert not is_clip(path)
    assert path not in find_clips(tmp_path)


@posix
def test_devices_sockets_and_circles(tmp_path):
    assert "it is a device, not a file" in sentence_of(Path("/dev/zero"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.dcm"))
        assert "it is a socket, not a file" in sentence_of(tmp_path / "s.dcm")
    (tmp_path / "round.mp4").symlink_to(tmp_path / "round.mp4")
    assert "symbolic links" in sentence_of(tmp_path / "round.mp4")
    frames = write_folder(tmp_path / "frames", numbered_frames(2))
    (frames / "again").symlink_to(frames)
    (frames / "frame_9.png").symlink_to(frames / "frame_9.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(frames / "frame_5.png")
    assert len(open_clip(frames)) == 2


@pytest.mark.parametrize("name", ["clip.dcm", "clip.mp4", "clip.gif", "clip"])
def test_a_file_of_terabytes_in_which_nothing_is_written(name, tmp_path):
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b"GIF89a" + bytes(10))
        file.truncate(1 << 40)
    if getattr(path.stat(), "st_blocks", None) is not None:
        assert "was ever written" in sentence_of(path)


def test_memory_that_runs_out_is_said(tmp_path, monkeypatch):
    from lsgui.readers import frame_folder

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(frame_folder, "_decode", full)
    assert "not enough memory" in sentence_of(write_folder(tmp_path / "clip", numbered_frames(2)))
