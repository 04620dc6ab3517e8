"""Small files that ask for much: each unfolds to gigabytes, claims to, goes round in a circle, or never ends."""

import io
import json
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "readers"), str(ROOT)]

Bomb = Callable[[Path, random.Random], tuple[str, Path]]
"""Writes a bomb into a folder; returns what opens it, and its path."""

SIDES = (4096, 4097, 8192, 16_000, 16_384, 20_000, 65_000)


# --- DICOM -----------------------------------------------------------------------------------------------------------


def _element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2) if vr == b"UI" else b" " * (len(value) % 2)
    long = vr in (b"OB", b"OW", b"SQ", b"UN")
    length = struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))
    return struct.pack("<HH", group, number) + vr + length + value


def _dicom(syntax: str, rows: int, columns: int, frames: int, *more: bytes, bits: int = 8, samples: int = 1) -> bytes:
    """Return a file up to its pixel data."""
    meta = _element(2, 0x10, b"UI", syntax.encode())
    whole = [b"\0" * 128 + b"DICM", _element(2, 0, b"UL", struct.pack("<I", len(meta))), meta]
    whole += [_element(8, 0x60, b"CS", b"US"), *more]
    whole.append(_element(0x28, 2, b"US", struct.pack("<H", samples)))
    whole.append(_element(0x28, 4, b"CS", b"MONOCHROME2" if samples == 1 else b"RGB"))
    whole.append(_element(0x28, 8, b"IS", str(frames).encode()))
    for number, value in ((0x10, rows), (0x11, columns), (0x100, bits), (0x101, bits), (0x102, bits - 1), (0x103, 0)):
        whole.append(_element(0x28, number, b"US", struct.pack("<H", value)))
    return b"".join(whole)


_PIXELS = struct.pack("<HH2sH", 0x7FE0, 0x10, b"OB", 0)
_ITEM = b"\xfe\xff\x00\xe0"


def _in_fragments(head: bytes, codes: list[bytes]) -> bytes:
    items = b"".join(
        _ITEM + struct.pack("<I", len(code) + len(code) % 2) + code + b"\0" * (len(code) % 2) for code in codes
    )
    return head + _PIXELS + b"\xff" * 4 + _ITEM + bytes(4) + items + b"\xfe\xff\xdd\xe0" + bytes(4)


def deflated_dicom(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """A deflated file of zeros; with the preamble, without, or with its transfer syntax far behind."""
    gigabytes = lots.choice((1, 2, 4))
    head = _dicom("1.2.840.10008.1.2.1.99", 512, 512, 99999)
    end = head.index(_element(8, 0x60, b"CS", b"US"))
    pack = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [pack.compress(head[end:] + _PIXELS + struct.pack("<I", 0xFFFFFFFE))]
    parts += [pack.compress(bytes(1 << 20)) for _ in range(gigabytes * 64)]  # a sixteenth: it is the growth that counts
    one = b"".join([head[:end], *parts, pack.flush()])
    form = lots.choice(("whole", "bare", "far"))
    if form == "bare":
        one = one[132:]
    if form == "far":
        private = _element(2, 0x102, b"OB", bytes(3000))
        one = one[:144] + private + one[144:]
        one = one[:140] + struct.pack("<I", struct.unpack_from("<I", one, 140)[0] + len(private)) + one[144:]
    path = folder / "deflated.dcm"
    path.write_bytes(one)
    return "clip", path


def endless_header(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """Tags, items or nesting without end before the pixels."""
    kind = lots.choice(("tags", "items", "deep", "vector", "palette", "undefined"))
    if kind == "tags":
        more = b"".join(_element(9, k & 0xFFFE, b"LO", b"") for k in range(lots.choice((30_000, 400_000))))
    elif kind == "items":
        items = (_ITEM + bytes(4)) * lots.choice((10_000, 100_000))
        more = _element(0x18, 0x6011, b"SQ", items)
    elif kind == "deep":
        depth = lots.choice((50, 2000, 20_000))
        more = (struct.pack("<HH2sHI", 0x18, 0x6011, b"SQ", 0, 0xFFFFFFFF) + _ITEM + b"\xff" * 4) * depth
    elif kind == "vector":
        more = _element(0x18, 0x1065, b"UN", b"\\".join([b"40.0"] * lots.choice((10_000, 300_000))))
    elif kind == "palette":
        more = b"".join(_element(0x28, 0x1101 + k, b"US", struct.pack("<3H", 0, 0, 16)) for k in range(3))
        more += b"".join(_element(0x28, 0x1201 + k, b"OW", bytes(200_000)) for k in range(3))
    else:
        more = struct.pack("<HH2sHI", 0x9, 0x1001, b"UN", 0, 0xFFFFFFFF) + bytes(lots.choice((1000, 30_000_000)))
    path = folder / "header.dcm"
    path.write_bytes(_dicom("1.2.840.10008.1.2.1", 8, 8, 1, more) + _PIXELS + struct.pack("<I", 64) + bytes(64))
    return "clip", path


def many_frames(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """Frames of a pixel, empty frames, or many of few bytes."""
    kind = lots.choice(("pixel", "empty", "rle", "solid"))
    path = folder / "frames.dcm"
    if kind == "pixel":
        count = lots.choice((60_000, 600_000))
        path.write_bytes(_dicom("1.2.840.10008.1.2.1", 1, 1, count) + _PIXELS + struct.pack("<I", count) + bytes(count))
    elif kind == "empty":
        path.write_bytes(_in_fragments(_dicom("1.2.840.10008.1.2.4.50", 64, 64, 9), [b""] * 200_000))
    elif kind == "rle":
        side = lots.choice((512, 4096))
        code = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x00" * (side * side // 128)
        path.write_bytes(_in_fragments(_dicom("1.2.840.10008.1.2.5", side, side, 99), [code] * lots.choice((3, 40))))
    else:
        syntax, code = _solid(lots)
        path.write_bytes(_in_fragments(_dicom(syntax, 4096, 4096, 999), [code] * lots.choice((10, 999))))
    return "clip", path


def _solid(lots: random.Random) -> tuple[str, bytes]:
    """Return the code of a black picture of the largest size, by a codec for which that is next to nothing."""
    import numpy as np
    from dicom_samples import jpeg_2000, jpeg_ls, pillow_jpeg

    black = np.zeros((1, 4096, 4096), dtype=np.uint8)
    made = {"50": lambda: pillow_jpeg(black), "80": lambda: jpeg_ls(0)(black), "90": lambda: jpeg_2000()(black)}
    number = lots.choice(tuple(made))
    return f"1.2.840.10008.1.2.4.{number}", made[number]()[0]


def scans(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """A progressive JPEG whose last scan comes again and again."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (lots.choice((512, 4000)), 2000)).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    last = data.rindex(b"\xff\xda")
    code = data[:last] + data[last:-2] * lots.choice((20, 2000)) + data[-2:]
    if lots.random() < 0.5:
        path = folder / "scans.dcm"
        path.write_bytes(_in_fragments(_dicom("1.2.840.10008.1.2.4.50", 2000, 4000, 1), [code]))
        return "clip", path
    frames = folder / "scans"
    frames.mkdir(exist_ok=True)
    (frames / "f0.jpg").write_bytes(code)
    return "clip", frames


# --- pictures ----------------------------------------------------------------------------------------------------


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bytes(width: int, height: int, depth: int = 8, *more: bytes) -> bytes:
    """Return a PNG of zeros with true sums; beyond 20,000,000 pixels its data end early."""
    rows = (width * depth // 8 + 1) * min(height, max(20_000_000 // max(width, 1), 1))
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    data = _chunk(b"IDAT", zlib.compress(bytes(rows), 1))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + b"".join(more) + data + _chunk(b"IEND", b"")


def pictures(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """A folder of pictures that are large, claim to be, or carry text that unfolds."""
    frames = folder / "pictures"
    frames.mkdir(exist_ok=True)
    kind = lots.choice(("side", "text", "many", "deep", "line", "tiff"))
    if kind == "text":
        more = _chunk(lots.choice((b"zTXt", b"iCCP")), b"a\0\0" + zlib.compress(bytes(200 << 20), 9))
        data = png_bytes(64, 64, 8, *[more] * 3)
    elif kind == "many":
        data = png_bytes(4096, 4096)
    elif kind == "deep":
        data = png_bytes(4096, 4096, 16)
    elif kind == "line":
        data = png_bytes(lots.choice((1, 16_384, 10_000_000)), 1)
    elif kind == "tiff":
        data = _tiff(lots)
    else:
        data = png_bytes(lots.choice(SIDES), lots.choice(SIDES))
    for number in range(lots.choice((1, 60)) if kind in ("many", "deep") else 2):
        (frames / f"f{number}.{'tif' if kind == 'tiff' else 'png'}").write_bytes(data)
    return "clip", frames


def _tiff(lots: random.Random) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    mode = lots.choice(("L", "I", "F", "I;16"))
    Image.new(mode, (4096, 4096)).save(out, "TIFF", compression=lots.choice(("tiff_deflate", "tiff_lzw", "packbits")))
    return out.getvalue()


def endless_gif(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """A GIF of many frames of a pixel on a screen of any size."""
    side = lots.choice((1, 64, 4096, 4096, 60_000))
    screen = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    path = folder / "endless.gif"
    path.write_bytes(screen + frame * lots.choice((40, 5000, 200_000)) + b";")
    return "clip", path


# --- text, weights -----------------------------------------------------------------------------------------------


def text(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """A JSON or CSV file that is deep, wide or large beyond sense."""
    target, name = lots.choice(
        (
            *(("line", "line.json"), ("labels", "labels.json"), ("labels", "labels.csv"), ("labels", "x.cvat.json")),
            *(("labels", "sliding_metafile.json"), ("table", "dataset.csv")),
            *(("settings", "settings.json"), ("card", "model.json")),
        )
    )
    megabytes = lots.choice((1, 20, 60, 70))
    pattern = lots.choice((b"[", b"{},", b'{"a":', b"1,", b'"x",', b"a,b\n", b",", b"\x00", b'"', b"9"))
    whole = pattern * ((megabytes << 20) // len(pattern))
    if pattern in (b"{},", b"1,", b'"x",'):
        whole = lots.choice(
            (
                b"[" + whole + b"1]",
                b'{"polyline":[' + whole + b'1],"frame":0}',
                b'{"format":"lsgui labels","version":1,"statements":[' + whole + b"1]}",
            )
        )
    path = folder / name
    path.write_bytes(whole)
    return target, path


def weights(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """Weights whose header is endless or lies, and a checkpoint that unfolds."""
    if lots.random() < 0.5:
        header = lots.choice(
            (
                b"{" * 2_000_000,
                json.dumps(
                    {f"t{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(50_000)}
                ).encode(),
                json.dumps({"a": {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 8]}}).encode(),
                json.dumps({"a": {"dtype": "F8_E8M0", "shape": [8], "data_offsets": [0, 8]}}).encode(),
            )
        )
        return "weights", _written(folder / "model.safetensors", struct.pack("<Q", len(header)) + header + bytes(8))
    import torch

    out = io.BytesIO()
    wide = torch.zeros(1).expand(1 << lots.choice((20, 34, 40)))
    torch.save(lots.choice(({"model_state_dict": {"a": wide}}, {"a": {"b": wide}}, [wide])), out)
    data = out.getvalue()
    if lots.random() < 0.5:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as parts:
            parts.writestr("archive/data.pkl", bytes(lots.choice((1 << 20, 400 << 20))))
        data = packed.getvalue()
    return "checkpoint", _written(folder / "bomb.pth", data)


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def sparse(folder: Path, lots: random.Random) -> tuple[str, Path]:
    """A file of up to a terabyte of which only the beginning was ever written."""
    target, name, head = lots.choice(
        (
            (
                "clip",
                "huge.dcm",
                _dicom("1.2.840.10008.1.2.1", 512, 512, 99999) + _PIXELS + struct.pack("<I", 0xFFFFFFFE),
            ),
            ("clip", "huge.dcm", _dicom("1.2.840.10008.1.2.1.99", 512, 512, 9)),
            ("clip", "huge.mp4", struct.pack(">I4s", 16, b"ftyp") + b"isommp41" + struct.pack(">I4s", 1, b"mdat")),
            ("clip", "huge.gif", b"GIF89a" + struct.pack("<HHBBB", 64, 64, 0, 0, 0)),
            ("clip", "huge.mpeg", b"\x00\x00\x01\xba"),
            ("labels", "huge.json", b"["),
            ("labels", "huge.csv", b"clip,label\n"),
            ("labels", "huge.sqlite", b"SQLite format 3\0"),
            ("line", "huge.json", b"{"),
            ("card", "model.json", b"{"),
            ("table", "dataset.csv", b"clip,label\n"),
            ("checkpoint", "huge.pth", b"PK\x03\x04"),
        )
    )
    path = folder / name
    with path.open("wb") as file:
        file.write(head)
        file.truncate(lots.choice((1 << 30, 100 << 30)))
    return target, path


BOMBS: tuple[Bomb, ...] = (
    *(deflated_dicom, endless_header, many_frames, scans, pictures, endless_gif, text, weights, sparse),
)
