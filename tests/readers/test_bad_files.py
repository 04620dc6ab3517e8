"""Bad files, one table over all readers: each opens with the frames it has, or is refused in one sentence."""

import io
import os
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from dicom_samples import header, pillow_jpeg, run_length, save, write_dicom
from PIL import Image
from pydicom.encaps import encapsulate
from reader_samples import (
    ONE_OF_EACH,
    SAMPLES,
    number_in,
    numbered_frames,
    write_folder,
    write_gif,
    write_movie,
)

from lsgui.core.errors import ClipReadError
from lsgui.readers.base import open_clip, open_source

FILES = [name for name in SAMPLES if not name.startswith("frames/")]
CUTS = (0.0, 0.003, 0.02, 0.1, 0.3, 0.5, 0.75, 0.9, 0.97, 0.995, 0.9999)


def sentence_of(path: Path) -> str:
    """Return why a clip is refused; anything but one good sentence fails."""
    with pytest.raises(ClipReadError) as caught:
        open_clip(path)
    sentence = str(caught.value)
    assert sentence.startswith(path.name.replace("\n", "?"))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert not any(word in sentence for word in ("Traceback", "Error(", "Exception", "None", "NaN"))
    assert len(sentence) < 300
    return sentence


def opens_or_is_refused(path: Path, truth: int) -> int:
    """Open a damaged clip: every frame that comes out must be the right one. Return how many came."""
    try:
        clip = open_clip(path)
    except ClipReadError:
        sentence_of(path)
        return 0
    assert 1 <= len(clip) <= truth
    return len(clip)


@pytest.mark.parametrize("name", FILES)
def test_cut_off_anywhere(name, sample, tmp_path):
    whole = sample(name).read_bytes()
    truth = SAMPLES[name].frames
    intact = open_clip(sample(name))
    cuts = {int(len(whole) * part) for part in CUTS} | {1, 4, 12, 127, 131, 132, 140, 300, 600}
    if "12-bit" in name:  # each opening starts a process
        cuts = {int(len(whole) * part) for part in (0.3, 0.9999)}
    for size in sorted(cut for cut in cuts if cut < len(whole)):
        path = tmp_path / f"cut_{size}{sample(name).suffix}"
        path.write_bytes(whole[:size])
        frames = opens_or_is_refused(path, truth)
        if frames and "movie/" not in name and "MPEG" not in name and "H.26" not in name and "HEVC" not in name:
            clip = open_clip(path)
            assert all((clip.frame(k) == intact.frame(k)).all() for k in range(frames - (name[:3] == "gif")))
            assert frames == truth or clip.info.note


@pytest.mark.parametrize("name", ["movie/avi-mjpeg", "movie/mkv-ffv1"])
def test_a_movie_that_is_cut_off_gives_the_frames_before_the_cut(name, sample, tmp_path):
    whole = sample(name).read_bytes()
    path = tmp_path / f"half{sample(name).suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    clip = open_clip(path)
    assert 5 <= len(clip) <= 12
    assert [number_in(clip.frame(k)) for k in range(len(clip) - 1)] == list(range(len(clip) - 1))
    if name == "movie/avi-mjpeg":  # the container counts its frames, Matroska does not
        assert clip.info.note.startswith("The file promises 20 frames and holds")


def test_compressed_pixels_that_are_not_in_fragments(tmp_path):
    frames = numbered_frames(3)
    path = tmp_path / "plain.dcm"
    dataset = header(frames, "1.2.840.10008.1.2.1")
    save(path, dataset, frames.tobytes(), vr="OB")
    wrong = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    path.write_bytes(wrong)
    assert (open_clip(path).stack() == frames).all(), "decompressed by an archive that left the tag as it was"
    code = run_length(frames)[0] * 3
    save(path, header(frames, "1.2.840.10008.1.2.1"), code + b"\0" * (len(code) % 2), vr="OB")
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))
    assert "neither in compressed fragments" in sentence_of(path)


@pytest.mark.parametrize("name", FILES)
def test_bytes_turned_over(name, sample, tmp_path):
    whole = bytearray(sample(name).read_bytes())
    draw = np.random.default_rng(len(whole))
    for turn in range(2 if "12-bit" in name else 6):
        damaged = bytearray(whole)
        for _ in range(1 + 10 * turn):
            damaged[int(draw.integers(len(damaged)))] ^= int(draw.integers(1, 256))
        path = tmp_path / f"damaged_{turn}{sample(name).suffix}"
        path.write_bytes(damaged)
        opens_or_is_refused(path, 1000)


@pytest.mark.parametrize(
    "suffix", [".dcm", ".mp4", ".avi", ".mov", ".mpeg", ".webm", ".mkv", ".gif", ".png", "", ".txt"]
)
def test_what_it_holds_is_not_what_its_name_says(suffix, tmp_path):
    for k, content in enumerate(
        (
            b"",
            b"\0",
            b"\0" * 5000,
            b"hello, I am text\n" * 400,
            b"#EXTM3U\nhttp://localhost/clip.ts\n",
            os.urandom(9000),
            b"PK\x03\x04" + bytes(3000),
            b"%PDF-1.7\n" + bytes(3000),
            b"RIFF\x10\0\0\0WAVEfmt ",
            b"GIF89a",
            b"\x08\0" * 50,
        )
    ):
        path = tmp_path / f"odd_{k}{suffix}"
        path.write_bytes(content)
        sentence_of(path)


def test_a_playlist_named_like_a_movie_opens_no_address(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/clip.ts\n")
    assert "not a movie" in sentence_of(path)


def test_folders_without_frames(tmp_path):
    assert "holds no PNG" in sentence_of(tmp_path)
    (tmp_path / "notes.txt").write_text("no pictures")
    (tmp_path / "sub.png").mkdir()
    assert "holds no PNG" in sentence_of(tmp_path)


def test_a_path_that_is_not_there(tmp_path):
    assert "is not there" in sentence_of(tmp_path / "gone.dcm")
    assert "is not there" in sentence_of(tmp_path / "gone folder" / "gone.mp4")


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_file_that_may_not_be_read(name, sample, monkeypatch):
    path = sample(name)
    plain = Path.open

    def refuse(self: Path, *args: object, **more: object) -> object:
        if self == path or path in self.parents:
            raise PermissionError(13, "Permission denied", str(self))
        return plain(self, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ClipReadError, match="you may not read it"):
        open_clip(path)


def test_frames_that_vanish_while_they_are_read(tmp_path):
    folder = write_folder(tmp_path / "clip", numbered_frames())
    with open_source(folder) as source:
        next(source)
        (folder / "frame_7.png").unlink()
        assert sum(1 for _ in source) == 6
        assert "Frame 8 of 20" in source.final_info().note


def test_a_drive_that_goes_away_while_a_clip_is_read(tmp_path, monkeypatch):
    path = write_gif(tmp_path / "clip.gif", numbered_frames())
    from PIL import GifImagePlugin

    plain = GifImagePlugin.GifImageFile.seek

    def seek(self: object, index: int) -> None:
        if index == 5:
            raise OSError(5, "Input/output error")
        plain(self, index)

    monkeypatch.setattr(GifImagePlugin.GifImageFile, "seek", seek)
    with open_source(path) as source, pytest.raises(ClipReadError, match=r"clip\.gif .*input/output error"):
        list(source)


def test_one_frame(tmp_path):
    one = numbered_frames(1)
    for path in (
        write_movie(tmp_path / "one.mkv", one, "ffv1", pixels="gray"),
        write_gif(tmp_path / "one.gif", one),
        write_folder(tmp_path / "one", one),
        write_dicom(tmp_path / "one.dcm", one, "explicit little endian", NumberOfFrames=None, FrameTime=None),
    ):
        clip = open_clip(path)
        assert len(clip) == 1
        assert (clip.frame(0) == one[0]).all()
        assert clip.info.fps >= 10.0


def test_frames_of_different_sizes(tmp_path):
    folder = write_folder(tmp_path / "mixed", numbered_frames(3))
    write_folder(folder, numbered_frames(1, 80, 128), first=3)
    assert "differ in size (frame 1 is 128 x 96, frame 4 is 128 x 80)" in sentence_of(folder)
    codes = pillow_jpeg(numbered_frames(2)) + pillow_jpeg(numbered_frames(1, 80, 128))
    path = save(tmp_path / "mixed.dcm", header(numbered_frames(3), "1.2.840.10008.1.2.4.50"), encapsulate(codes))
    assert "differ in size" in sentence_of(path)


@pytest.mark.parametrize("pixels", [np.uint16, np.int32, np.float32])
def test_deep_pictures_are_scaled_alike_over_the_folder(pixels, tmp_path):
    truth = numbered_frames(4)
    deep = [frame.astype(pixels) for frame in truth]
    deep = [frame / 255.0 for frame in deep] if pixels is np.float32 else [frame * 4 for frame in deep]
    folder = write_folder(tmp_path / "deep", deep, ".tif")
    clip = open_clip(folder)
    brightest = max(frame.max() for frame in truth)
    factor = 255.0 / brightest if pixels is np.float32 else 4 * 255.0 / 1023.0
    for k, frame in enumerate(truth):
        assert np.abs(clip.frame(k) - frame * factor).max() <= 1.0


def test_colour_and_odd_pictures_in_a_folder(tmp_path):
    truth = numbered_frames(5)
    folder = tmp_path / "modes"
    folder.mkdir()
    Image.fromarray(truth[0]).convert("RGB").save(folder / "f1.png")
    Image.fromarray(truth[1]).convert("RGBA").save(folder / "f2.PNG")
    Image.fromarray(truth[2]).convert("LA").save(folder / "f10.png")
    Image.fromarray(truth[3]).convert("P").save(folder / "f3.bmp")
    Image.fromarray(truth[4]).save(folder / "F20.TIF")
    (folder / "._f1.png").write_bytes(b"resource fork")
    (folder / "Thumbs.db").write_bytes(b"not a frame")
    clip = open_clip(folder)
    assert [number_in(clip.frame(k)) for k in range(len(clip))] == [0, 1, 3, 2, 4]


@pytest.mark.parametrize(
    ("fps", "said"),
    [(Fraction(1, 2), 0.5), (Fraction(24000, 1001), 23.976), (Fraction(120), 120.0), (Fraction(7), 7.0)],
)
def test_odd_frame_rates(fps, said, tmp_path):
    info = open_clip(write_movie(tmp_path / "odd.mkv", numbered_frames(), "ffv1", fps, pixels="gray")).info
    assert info.fps == pytest.approx(said, rel=0.01)
    assert info.fps_source == "container"


def huge_avi(whole: bytes) -> bytes:
    """Return an AVI whose headers claim 60000 x 60000 pixels."""
    data = bytearray(whole)
    main = data.index(b"avih") + 8
    struct.pack_into("<II", data, main + 32, 60000, 60000)
    stream = data.index(b"strf") + 8
    struct.pack_into("<ii", data, stream + 4, 60000, 60000)
    return bytes(data)


def huge_png() -> bytes:
    """Return a PNG whose header claims 60000 x 60000 pixels."""
    import zlib

    out = io.BytesIO()
    Image.fromarray(numbered_frames(1)[0]).save(out, "PNG")
    data = bytearray(out.getvalue())
    struct.pack_into(">II", data, 16, 60000, 60000)
    struct.pack_into(">I", data, 29, zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def test_huge_sizes_are_refused_before_memory_is_taken(tmp_path, sample):
    paths = [
        write_dicom(tmp_path / "huge.dcm", numbered_frames(2), "explicit little endian", Rows=60000, Columns=60000),
        write_dicom(tmp_path / "huge rle.dcm", numbered_frames(2), "RLE", Rows=60000, Columns=60000),
        write_dicom(tmp_path / "none.dcm", numbered_frames(2), "explicit little endian", Rows=0, Columns=128),
    ]
    jpeg = bytearray(pillow_jpeg(numbered_frames(1))[0])
    place = jpeg.index(b"\xff\xc0")
    struct.pack_into(">HH", jpeg, place + 5, 60000, 60000)
    dataset = header(numbered_frames(1), "1.2.840.10008.1.2.4.50")
    paths.append(save(tmp_path / "huge jpeg.dcm", dataset, encapsulate([bytes(jpeg)])))
    gif = bytearray(sample("gif/animated").read_bytes())
    struct.pack_into("<HH", gif, 6, 60000, 60000)
    (tmp_path / "huge.gif").write_bytes(gif)
    (tmp_path / "huge.avi").write_bytes(huge_avi(sample("movie/avi-mjpeg").read_bytes()))
    (tmp_path / "huge folder").mkdir()
    (tmp_path / "huge folder" / "frame_0.png").write_bytes(huge_png())
    for path in (*paths, tmp_path / "huge.gif", tmp_path / "huge folder"):
        assert "claim to be" in sentence_of(path)
    opens_or_is_refused(tmp_path / "huge.avi", 20)


def test_a_gif_frame_larger_than_any_screen(tmp_path):
    path = write_gif(tmp_path / "clip.gif", numbered_frames(3))
    data = bytearray(path.read_bytes())
    second = data.index(b"\x2c", data.index(b"\x2c") + 500)
    while data[second + 1 : second + 9] != struct.pack("<4H", 0, 0, 128, 96):
        second = data.index(b"\x2c", second + 1)
    struct.pack_into("<2H", data, second + 5, 60000, 60000)
    path.write_bytes(data)
    assert "claim to be" in sentence_of(path)


def test_the_command_line_says_one_line_and_ends_with_status_2(sample, tmp_path):
    """Codecs write to standard error past Python: only a child process shows that nothing but our line gets there."""
    bad = tmp_path / "bad"
    bad.mkdir()
    for name in FILES:
        whole = bytearray(sample(name).read_bytes())
        stem = name.replace("/", "_").replace(" ", "_")
        (bad / f"{stem}_cut{sample(name).suffix}").write_bytes(whole[: len(whole) * 2 // 3])
        for k in range(len(whole) // 2, len(whole) // 2 + 60):
            whole[k] ^= 0x5A
        (bad / f"{stem}_hurt{sample(name).suffix}").write_bytes(whole)
    (bad / "text.mp4").write_text("no movie")
    (bad / "empty.dcm").touch()
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lsgui.cli.main import run\n"
        "from lsgui.readers.base import open_clip\n"
        "from lsgui.core.errors import ClipReadError\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    try:\n"
        "        open_clip(path)\n"
        "    except ClipReadError:\n"
        "        assert run(['info', str(path), '--json']) == 2\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, str(bad)], capture_output=True, check=False)
    said = done.stderr.decode()
    assert done.returncode == 0, said
    assert done.stdout == b""
    lines = said.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("lsgui: ") and line.endswith(".") for line in lines), said
