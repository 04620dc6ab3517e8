"""Damage to formats that `mutations` has no parts of: pictures, Matroska, fragments of DICOM, stores, checkpoints."""

import io
import random
import sqlite3
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from mutations import EXTREMES_16, EXTREMES_32, flip, splice

_ITEM = b"\xfe\xff\x00\xe0"
_EBML_MASTERS = {0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675, 0xA0, 0x1C53BB6B, 0xBB, 0xB7}


# --- DICOM: what is in its fragments -----------------------------------------------------------------------------


def fragments(data: bytes) -> list[tuple[int, int]]:
    """Return (place, length) of the items behind the pixel data's tag."""
    at = data.find(b"\xe0\x7f\x10\x00")
    found = []
    at = data.find(_ITEM, at) if at >= 0 else -1
    while 0 <= at <= len(data) - 8 and data[at : at + 4] == _ITEM:
        length = struct.unpack_from("<I", data, at + 4)[0]
        if at + 8 + length > len(data):
            break
        found.append((at + 8, length))
        at += 8 + length
    return found


def dicom_fragment(data: bytes, lots: random.Random) -> bytes:
    """Damage one compressed frame, and leave the file around it whole; or the items themselves."""
    items = fragments(data)
    if not items:
        return flip(data, lots)
    at, length = lots.choice(items)
    code = data[at : at + length]
    what = lots.choice(("code", "code", "code", "length", "empty", "many", "swap"))
    if what == "length":
        return data[: at - 4] + struct.pack("<I", lots.choice(EXTREMES_32)) + data[at:]
    if what == "empty":
        return data[: at - 4] + bytes(4) + data[at + length :]
    if what == "many":
        return (
            data[: at + length]
            + (_ITEM + struct.pack("<I", length) + code) * lots.choice((1, 30))
            + data[at + length :]
        )
    if what == "swap":
        other, other_length = lots.choice(items)
        code = data[other : other + other_length]
    else:
        code = codestream(code, lots)
    code += b"\0" * (len(code) % 2)
    return data[: at - 4] + struct.pack("<I", len(code)) + code + data[at + length :]


def codestream(code: bytes, lots: random.Random) -> bytes:
    """Damage the codestream of a picture: at its markers, which are ff and a byte of at least c0 or 4f..7f."""
    places = [
        k for k in range(min(len(code) - 4, 4000)) if code[k] == 0xFF and code[k + 1] >= 0x4F and code[k + 1] != 0xFF
    ]
    if not places or lots.random() < 0.3:
        return lots.choice((flip, splice))(code, lots)
    at, out = lots.choice(places), bytearray(code)
    what = lots.choice(("cut", "marker", "length", "inside", "inside", "inside"))
    if what == "cut":
        return code[:at]
    if what == "marker":
        out[at + 1] = lots.choice(
            (0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0x51, 0x52, 0x93, lots.randrange(256))
        )
    elif what == "length":
        struct.pack_into(">H", out, at + 2, lots.choice(EXTREMES_16))
    else:
        for _ in range(lots.choice((1, 3))):
            place = at + lots.randrange(4, 24)
            if place < len(out) - 1:
                struct.pack_into(">H", out, place, lots.choice((*EXTREMES_16, lots.randrange(65536))))
    return bytes(out)


# --- Matroska, WebM ----------------------------------------------------------------------------------------------


def elements(data: bytes, at: int = 0, stop: int | None = None, depth: int = 0) -> Iterator[tuple[int, int, int]]:
    """Yield (place, place of the size, bytes of the size) of each element."""
    end = len(data) if stop is None else stop
    while at < end - 2 and depth < 6:
        width = 9 - data[at].bit_length() if data[at] else 9
        if width > 4 or at + width >= end:
            return
        name = int.from_bytes(data[at : at + width], "big")
        size_at = at + width
        size_width = 9 - data[size_at].bit_length() if data[size_at] else 9
        if size_width > 8 or size_at + size_width > end:
            return
        size = int.from_bytes(data[size_at : size_at + size_width], "big") & ((1 << (7 * size_width)) - 1)
        yield at, size_at, size_width
        inside = size_at + size_width
        unknown = size == (1 << (7 * size_width)) - 1
        following = end if unknown else min(end, inside + size)
        if name in _EBML_MASTERS:
            yield from elements(data, inside, following, depth + 1)
        at = following


def matroska(data: bytes, lots: random.Random) -> bytes:
    """Cut at an element, falsify its size, name or value."""
    found = list(elements(data))
    if not found:
        return flip(data, lots)
    at, size_at, width = lots.choice(found[: lots.choice((30, len(found)))])
    out = bytearray(data)
    what = lots.choice(("cut", "size", "name", "value", "value"))
    if what == "cut":
        return data[: lots.choice((at, size_at, size_at + width))]
    if what == "size":
        mark = 1 << (7 * width)
        size = lots.choice((0, 1, mark - 2, mark - 1, mark >> 1, lots.randrange(mark)))
        out[size_at : size_at + width] = (size | mark).to_bytes(width, "big")
    elif what == "name":
        out[at] = lots.choice((0xA3, 0xAE, 0xEC, 0xE0, 0xB0, 0xBA, 0x86))
    else:
        for k in range(lots.choice((1, 2, 4))):
            if size_at + width + k < len(out):
                out[size_at + width + k] = lots.choice((0, 0x7F, 0x80, 0xFF))
    return bytes(out)


# --- MP4, MOV: the tables that say how much there is ------------------------------------------------------------------


def sample_tables(data: bytes, lots: random.Random) -> bytes:
    """Falsify a count, a size or a number of pixels in a table of samples or a header."""
    name = lots.choice(
        (
            b"stsz",
            b"stsz",
            b"stts",
            b"ctts",
            b"stsc",
            b"stco",
            b"co64",
            b"elst",
            b"tkhd",
            b"mvhd",
            b"mdhd",
            b"stsd",
            b"avcC",
            b"hvcC",
        )
    )
    at = data.find(name)
    if at < 0:
        return flip(data, lots)
    out = bytearray(data)
    for _ in range(lots.choice((1, 2, 4))):
        place = at + 4 + 4 * lots.randrange(12 if name in (b"stsd", b"tkhd", b"mvhd") else 6)
        if place + 4 <= len(out):
            struct.pack_into(
                ">I", out, place, lots.choice((*EXTREMES_32, 100_000_000, 0x0FFFFFFF, lots.randrange(1 << 32)))
            )
    return bytes(out)


# --- pictures ------------------------------------------------------------------------------------------------------


def tiff(data: bytes, lots: random.Random) -> bytes:
    """Falsify an entry of the directory: tag, type, count or value; or let directories go round in a circle."""
    if len(data) < 16:
        return flip(data, lots)
    order = "<" if data[:2] == b"II" else ">"
    directory = struct.unpack_from(f"{order}I", data, 4)[0]
    if directory + 2 > len(data):
        return flip(data, lots)
    count = struct.unpack_from(f"{order}H", data, directory)[0]
    out = bytearray(data)
    if lots.random() < 0.1 and directory + 6 + 12 * count <= len(out):
        struct.pack_into(f"{order}I", out, directory + 2 + 12 * count, lots.choice((directory, 8, 0xFFFFFFFF)))
        return bytes(out)
    entry = directory + 2 + 12 * lots.randrange(max(count, 1))
    if entry + 12 > len(out):
        return flip(data, lots)
    part = lots.choice(("tag", "type", "count", "value", "value", "value"))
    if part == "tag":
        struct.pack_into(
            f"{order}H", out, entry, lots.choice((256, 257, 258, 259, 262, 273, 277, 278, 279, 322, 323, 324, 330, 339))
        )
    elif part == "type":
        struct.pack_into(f"{order}H", out, entry + 2, lots.choice((0, 1, 2, 3, 4, 5, 12, 13, 16, 65535)))
    else:
        value = lots.choice((*EXTREMES_32, 32773, 5, 8, 34712, 4096, 60000))
        struct.pack_into(f"{order}I", out, entry + (4 if part == "count" else 8), value)
    return bytes(out)


def bmp(data: bytes, lots: random.Random) -> bytes:
    """Falsify a field of the header."""
    if len(data) < 54:
        return flip(data, lots)
    out = bytearray(data)
    place, form = lots.choice(
        (
            (2, "<I"),
            (10, "<I"),
            (14, "<I"),
            (18, "<i"),
            (22, "<i"),
            (26, "<H"),
            (28, "<H"),
            (30, "<I"),
            (34, "<I"),
            (46, "<I"),
        )
    )
    values = EXTREMES_16 if form == "<H" else (*range(-3, 40), 4096, -4096, 60000, 0x7FFFFFFF, -0x80000000)
    value = lots.choice(values)
    struct.pack_into(form, out, place, value & 0xFFFFFFFF if form == "<I" else value)
    return bytes(out)


def gif(data: bytes, lots: random.Random) -> bytes:
    """Falsify the screen, a frame's place and size, its code size, or the length of a block of data."""
    if len(data) < 20:
        return flip(data, lots)
    out = bytearray(data)
    what = lots.choice(("screen", "frame", "frame", "frame", "block", "trailer"))
    if what == "screen":
        struct.pack_into("<H", out, lots.choice((6, 8)), lots.choice(EXTREMES_16))
        return bytes(out)
    if what == "trailer":
        at = lots.randrange(13, len(out))
        out[at] = lots.choice((0x3B, 0x21, 0x2C, 0x00))
        return bytes(out)
    frames = [k for k in range(13, len(data) - 12) if data[k] == 0x2C and data[k + 1 : k + 5] == bytes(4)]
    if not frames:
        return flip(data, lots)
    at = lots.choice(frames)
    if what == "frame":
        struct.pack_into("<H", out, at + lots.choice((1, 3, 5, 7)), lots.choice((*EXTREMES_16, 1, 4096, 5000)))
    else:
        out[at + lots.choice((9, 10, 11))] = lots.randrange(256)
    return bytes(out)


# --- stores and checkpoints ----------------------------------------------------------------------------------------


def store(data: bytes, lots: random.Random) -> bytes:
    """Falsify pages of a SQLite file, or by SQL what its rows and its schema say."""
    if lots.random() < 0.4:
        out = bytearray(data)
        for _ in range(lots.choice((1, 4))):
            page = 4096 * lots.randrange(max(len(out) // 4096, 1))
            place = page + lots.choice((lots.randrange(12), lots.randrange(100), lots.randrange(4096)))
            if place < len(out):
                out[place] = lots.choice((0, 1, 2, 5, 10, 13, 0x7F, 0x80, 0xFF, lots.randrange(256)))
        return bytes(out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        path.write_bytes(data)
        with closing(sqlite3.connect(path)) as connection, suppress(sqlite3.Error):
            for guard in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {guard[0]}")
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(_statement(lots), ())
            connection.commit()
        return path.read_bytes()


_ODD_CELLS = (
    *(
        "NULL",
        "''",
        "'x'",
        "-1",
        "1e308",
        "9223372036854775807",
        "x'ff00ff'",
        "CAST(x'ff' AS TEXT)",
        "zeroblob(100000)",
    ),
    *("'[[[[1]]]]'", '\'{"label":"ls_a"}\'', "'{\"label\":[]}'", '\'{"start":"a"}\'', "'{\"a\":1'", "'\\ud800'"),
    *("'2020-01-01'", "'0001-01-01T00:00:00+00:00'", "'not a day'", "replace(hex(zeroblob(20000)),'0','[')"),
)
_ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
_CHANGES = (
    f"CREATE VIEW endless AS {_ENDLESS} SELECT x FROM c",
    f"CREATE TRIGGER t AFTER INSERT ON history BEGIN INSERT INTO store {_ENDLESS} SELECT x, x FROM c; END",
    "DROP TABLE history",
    "DROP TABLE clips",
    "DELETE FROM store",
    "UPDATE store SET value = 'zz'",
    "PRAGMA user_version = 99",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = -5",
    "PRAGMA application_id = 0",
    "ALTER TABLE history RENAME COLUMN value TO other",
    "CREATE TABLE more (a)",
)


def _statement(lots: random.Random) -> str:
    if lots.random() < 0.3:
        return lots.choice(_CHANGES)
    table, columns = lots.choice(
        (
            (
                "history",
                (
                    "uid",
                    "content_hash",
                    "file_name",
                    "rater",
                    "sitting",
                    "kind",
                    "subject",
                    "value",
                    "said_at",
                    "blind",
                ),
            ),
            ("clips", ("content_hash", "file_name", "frames", "fps", "width", "height")),
            ("verdicts", ("label", "quality", "said_at", "p_absent")),
        )
    )
    return f"UPDATE {table} SET {lots.choice(columns)} = {lots.choice(_ODD_CELLS)} WHERE id % 3 = {lots.randrange(3)}"


def checkpoint(data: bytes, lots: random.Random) -> bytes:
    """Damage a part of the archive that a checkpoint is, and pack it again; or the archive."""
    if lots.random() < 0.4:
        return lots.choice((flip, splice))(data, lots)
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
            names = old.namelist()
            chosen = lots.choice([name for name in names if name.endswith("data.pkl")] * len(names) + names)
            for name in names:
                part = old.read(name)
                if name == chosen:
                    part = lots.choice((flip, splice))(part, lots)
                new.writestr(name, part, zipfile.ZIP_DEFLATED if lots.random() < 0.2 else zipfile.ZIP_STORED)
    except (zipfile.BadZipFile, ValueError, OSError):
        return flip(data, lots)
    return out.getvalue()


BY_KIND: dict[str, tuple[Callable[[bytes, random.Random], bytes], ...]] = {
    "dcm": (dicom_fragment, dicom_fragment),
    "mkv": (matroska,) * 4,
    "webm": (matroska,) * 4,
    "mp4": (sample_tables, sample_tables),
    "mov": (sample_tables, sample_tables),
    "tif": (tiff,) * 5,
    "bmp": (bmp,) * 5,
    "gif": (gif, gif, gif),
    "jpg": (codestream,) * 3,
    "sqlite": (store,) * 6,
    "pth": (checkpoint,) * 6,
}
"""Further damage by the ending of a file's name."""
