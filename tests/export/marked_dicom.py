"""A DICOM clip full of identifiers: a mark in every tag that can hold one, at every depth, and in the pixels."""

import sqlite3
import zlib
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from pydicom import Dataset, FileMetaDataset, config, dcmwrite
from pydicom.datadict import DicomDictionary, RepeatersDictionary
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

MARK = "QQXMARK"
"""Begins every text, followed by the tag as eight hexadecimal digits, so that a leak names where it comes from."""
UID_MARK = "1.2.826.0.1.471108"
DATE, TIME = "19110213", "071113.471108"
DECIMAL, WHOLE = "4711.08154711", "471108154"
PERSON = "Marquardt"
SECRETS = (MARK, UID_MARK, DATE, TIME, DECIMAL, WHOLE, PERSON)

_TEXT = {"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"}
_BYTES = {"OB", "OW", "UN", "OB or OW"}
_DECODING = {0x00280002, 0x00280004, 0x00280008, 0x00280009}


def mark_of(tag: int) -> str:
    """Return the mark of a tag."""
    return f"{MARK}{tag:08X}"


def marked_value(tag: int, vr: str) -> object:
    """Return a value with a mark, None for what can hold none."""
    if vr in _TEXT:
        return mark_of(tag)
    if vr in _BYTES:
        return (mark_of(tag) + "Z").encode()
    plain = {"DA": DATE, "TM": TIME, "DT": DATE + TIME, "DS": DECIMAL, "IS": WHOLE, "AS": "061Y"}
    named = {"PN": f"{PERSON}^{mark_of(tag)}", "UI": f"{UID_MARK}.{tag}", "UR": f"http://{mark_of(tag)}.org"}
    return plain.get(vr) or named.get(vr)


def fill(dataset: Dataset, depth: int = 0) -> None:
    """Put a mark into every tag of the dictionary that can hold one, in sequences too, and into private tags."""
    for tag, (vr, _multiplicity, _name, _retired, _keyword) in DicomDictionary.items():
        group = tag >> 16
        if group in (0x0002, 0x7FE0) or group < 0x0008 or tag in dataset or tag in _DECODING or tag & 0xFFFF == 0:
            continue
        if group == 0x0028 and vr not in ("LO", "LT", "UT", "PN", "DA", "UI"):
            continue  # they decide how pixels are decoded
        if vr == "SQ":
            dataset.add_new(tag, "SQ", Sequence([_item(tag, depth)]))
        elif (value := marked_value(tag, vr)) is not None:
            dataset.add_new(tag, vr.split()[0], value)
    for tag, (vr, *_rest) in ((int(text.replace("x", "0"), 16), entry) for text, entry in RepeatersDictionary.items()):
        if tag >> 16 in (0x5000, 0x6000) and (value := marked_value(tag, vr)) is not None:
            dataset.add_new(tag, vr.split()[0], value)
    block = dataset.private_block(0x0029, f"{MARK} PRIVATE", create=True)
    for offset, vr in enumerate(("LO", "PN", "UI", "DA", "UN", "DS"), 1):
        block.add_new(offset, vr, marked_value(0x00290000 + offset, vr))


def _item(tag: int, depth: int) -> Dataset:
    item = Dataset()
    for inner, vr in ((0x00100010, "PN"), (0x00100020, "LO"), (0x00081155, "UI"), (0x00080020, "DA"), (tag | 1, "LO")):
        if vr == "LO" and inner == tag | 1 and (inner in DicomDictionary or (inner >> 16) % 2):
            continue
        item.add_new(inner, vr, marked_value(inner, vr))
    item.private_block(0x0009, f"{MARK} INNER", create=True).add_new(1, "LO", mark_of(tag))
    if depth < 1:
        item.add_new(0x00081110, "SQ", Sequence([_item(0x00081110, depth + 1)]))
    return item


def marked_frames(count: int = 30, width: int = 320, height: int = 260) -> np.ndarray:
    """Return living speckle of at most 150 in (80, 60, 160, 160), with a name above it, a clock below, an ID inside."""
    rng = np.random.default_rng(3)
    frames = np.zeros((count, height, width), dtype=np.uint8)
    for index, frame in enumerate(frames):
        noise = cv2.GaussianBlur(rng.normal(90.0, 160.0, (160, 160)).astype(np.float32), (0, 0), 1.5)
        frame[60:220, 80:240] = np.clip(noise, 5, 150).astype(np.uint8)
        burn_in(frame, index)
    return frames


def burn_in(frame: np.ndarray, index: int = 8) -> None:
    """Write what scanners write."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(frame, "MARQUARDT^OTTILIE 13.02.1911", (4, 20), font, 0.45, 255, 1)
    cv2.putText(frame, f"07:11:{index:02d}", (250, 250), font, 0.4, 255, 1)
    cv2.putText(frame, "ID 471108", (100, 120), font, 0.45, 255, 1)


def written_text(height: int = 260, width: int = 320) -> np.ndarray:
    """Return where `burn_in` may leave a stroke, (height, width) bool."""
    drawn = np.zeros((height, width), dtype=np.uint8)
    burn_in(drawn, 88)
    for index in range(30):
        burn_in(drawn, index)
    return drawn > 0


def write_marked_dicom(path: Path, frames: np.ndarray | None = None, *, instance: int = 1) -> Path:
    """Write an uncompressed ultrasound clip that holds every mark."""
    frames = marked_frames() if frames is None else frames
    data = Dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    data.SOPInstanceUID = f"{UID_MARK}.{instance}"
    data.SpecificCharacterSet = "ISO_IR 100"
    data.Modality = "US"
    data.Manufacturer = f"Philips {MARK}"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.NumberOfFrames, data.FrameIncrementPointer = len(frames), 0x00181063
    data.Rows, data.Columns = frames.shape[1:]
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.FrameTime, data.CineRate = "40", "25"
    data.RecommendedDisplayFrameRate = "25"
    data.StartTrim, data.StopTrim = "1", str(len(frames))
    data.PreferredPlaybackSequencing = 0
    data.SequenceOfUltrasoundRegions = Sequence([_region()])
    data.FrameTimeVector = None
    data.PixelSpacing = None
    data.EffectiveDuration = None
    with config.disable_value_validation():
        fill(data)
        data.PixelData = frames.tobytes()
        data["PixelData"].VR = "OB"
        data.add_new(0xFFFCFFFC, "OB", (mark_of(0xFFFCFFFC) + "Z").encode())
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
        meta.SourceApplicationEntityTitle = meta.ImplementationVersionName = f"{MARK}META"
        meta.PrivateInformationCreatorUID, meta.PrivateInformation = f"{UID_MARK}.7", f"{MARK}PRIVATE!".encode()
        data.file_meta = meta
        data.preamble = f"{MARK} {PERSON}".encode().ljust(128, b"\0")
        path.parent.mkdir(parents=True, exist_ok=True)
        dcmwrite(path, data, enforce_file_format=True)
    return path


def _region() -> Dataset:
    region = Dataset()
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.RegionFlags = 2
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 80, 60
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 239, 219
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, 0.03
    region.PatientComments = mark_of(0x00104000)
    region.private_block(0x0019, f"{MARK} REGION", create=True).add_new(1, "LO", mark_of(0x00190001))
    return region


# --- looking for them ---------------------------------------------------------------------------------------------


def leaks(path: Path, secrets: tuple[str, ...] = SECRETS, *, root: Path | None = None) -> list[str]:
    """Return what of the secrets a file gives away: in its name, its bytes, its compressed streams, its text."""
    name = str(path.relative_to(root)) if root is not None else path.name
    found = [f"{name}: {secret} in its name" for secret in secrets if secret.casefold() in name.casefold()]
    for place, data in _contents(path):
        lower = data.lower()
        for secret in secrets:
            for coded in ("utf-8", "utf-16-le", "utf-16-be"):
                at = lower.find(secret.lower().encode(coded))
                if at >= 0:
                    found.append(f"{name}: {secret} in {place} ({coded}): {data[max(at - 30, 0) : at + 50]!r}")
    return found


def _contents(path: Path) -> list[tuple[str, bytes]]:
    data = path.read_bytes()
    found = [("its bytes", data), *_inflated(data)]
    if data.startswith(b"%PDF"):
        found.append(("its text", _pdf_text(path)))
    if data.startswith(b"SQLite format 3"):
        found.append(("its rows", _rows(path)))
    return found


def _inflated(data: bytes) -> list[tuple[str, bytes]]:
    """Return every zlib stream that can be read: those of PDF, PNG and DICOM."""
    found = []
    for head in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        at = data.find(head)
        while at >= 0:
            with suppress(zlib.error):
                found.append((f"a stream at {at}", zlib.decompressobj().decompress(data[at:])))
            at = data.find(head, at + 1)
    return found


def _pdf_text(path: Path) -> bytes:
    from pypdf import PdfReader

    reader = PdfReader(path)
    words = [str(reader.metadata or ""), *(page.extract_text() for page in reader.pages)]
    return "\n".join(words).encode()


def _rows(path: Path) -> bytes:
    connection = sqlite3.connect(path)
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(str(row) for table in tables for row in connection.execute(f"SELECT * FROM {table}")).encode()
    finally:
        connection.close()
