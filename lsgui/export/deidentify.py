"""A clip without its identifiers, for others: header by PS3.15, pixels blanked by an approved mask, another name."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from pydicom.dataset import Dataset

from lsgui.annotation.content_hash import content_hash
from lsgui.core.clip import Clip, ClipInfo, Frame
from lsgui.export.dicom_header import DeidentifyOptions, deidentified_header, describe_capture
from lsgui.export.dicom_pixels import put_pixels, save_dicom
from lsgui.export.dicom_subject import SC_GREY_MULTIFRAME, US_IMAGE, converted_subject, header_of, shared_class
from lsgui.export.dicom_values import copied, decimal, decimals, floats, one_of, whole_number
from lsgui.export.mask import PixelMask, masked_clip
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.export.secondary_capture import describe_grey_capture
from lsgui.readers.base import open_clip
from lsgui.readers.dicom_parts.tags import items, text

_FRAME_TIME, _FRAME_TIME_VECTOR, _PAGE_NUMBER_VECTOR = 0x00181063, 0x00181065, 0x00182001
_LOSSY_SYNTAXES = ("50", "51", "81", "91", "100", "101", "102", "103", "104", "105", "106", "107", "108", "203")
"""Last part of 1.2.840.10008.1.2.4.x for transfer syntaxes that lose, or may have lost, something."""

_CINE = {
    "CineRate": whole_number(1, 10_000),
    "RecommendedDisplayFrameRate": whole_number(1, 10_000),
    "EffectiveDuration": decimals(0.0, 3600.0),
    "StartTrim": whole_number(1, 100_000),
    "StopTrim": whole_number(1, 100_000),
    "PreferredPlaybackSequencing": whole_number(0, 1),
}
_ACQUISITION = {
    "PixelSpacing": decimals(0.001, 10.0),
    "DepthOfScanField": whole_number(1, 500),
    "MechanicalIndex": decimals(0.0, 10.0),
    "SoftTissueThermalIndex": decimals(0.0, 20.0),
    "BoneThermalIndex": decimals(0.0, 20.0),
    "TransducerType": one_of("SECTOR_PHASED", "SECTOR_MECH", "SECTOR_ANNULAR", "LINEAR", "CURVED LINEAR"),
    "ImageLaterality": one_of("R", "L", "U", "B"),
    "Laterality": one_of("R", "L"),
}
_PLACE = whole_number(-100_000, 100_000)
_REGION = {
    "RegionSpatialFormat": whole_number(0, 5),
    "RegionDataType": whole_number(0, 19),
    "RegionFlags": whole_number(0, 7),
    **dict.fromkeys((f"RegionLocation{end}" for end in ("MinX0", "MinY0", "MaxX1", "MaxY1")), _PLACE),
    **dict.fromkeys((f"ReferencePixel{axis}0" for axis in "XY"), _PLACE),
    **dict.fromkeys((f"PhysicalUnits{axis}Direction" for axis in "XY"), whole_number(0, 12)),
    **dict.fromkeys((f"PhysicalDelta{axis}" for axis in "XY"), floats(-100.0, 100.0)),
    **dict.fromkeys((f"ReferencePixelPhysicalValue{axis}" for axis in "XY"), floats(-1000.0, 1000.0)),
    "TransducerFrequency": whole_number(1, 100_000),
}
_REGION_CAN_LACK = ("Reference", "Transducer", "RegionFlags")
_REGION_NEEDS = tuple(keyword for keyword in _REGION if not keyword.startswith(_REGION_CAN_LACK))


OnFrame = Callable[[int, int], None]


def _nothing(*_: int) -> None:
    """Stand in for a listener, and for the closing of a store that has none."""


def deidentified_name(clip_path: Path, pseudonyms: Pseudonyms) -> str:
    """Return the file name, without its ending, under which a clip leaves: the same for the same content."""
    return pseudonyms.clip_name(content_hash(clip_path))


def deidentify_dicom(
    path: Path,
    mask: PixelMask,
    out: Path,
    pseudonyms: Pseudonyms,
    options: DeidentifyOptions | None = None,
    clip: Clip | None = None,
    on_frame: OnFrame = _nothing,
) -> None:
    """Write a DICOM clip without identifiers: PS3.15 basic profile with the Clean Pixel Data Option.

    Every transfer syntax that can be read will do, H.264 and its like too: frames are decoded to grey, blanked and
    stored anew. Timing, trim, regions with their calibration and the indices of output power stay.

    Parameters
    ----------
    path
        The source.
    mask
        What is blanked, approved by a person (`approval.approved_mask`).
    out
        The file to write; name it by `deidentified_name`.
    pseudonyms
        Those of the project, so that studies and series stay together.
    clip
        The same clip, where it has been read already.
    on_frame
        Told before every frame how many of how many are done; what it raises ends the work, and nothing is written.

    Raises
    ------
    LsguiError
        When the clip cannot be read, the mask does not fit, or the file cannot be written.
    """
    options = options or DeidentifyOptions()
    with ExitStack() as undo:
        source = header_of(path)
        if clip is None:
            clip = open_clip(path)
            undo.callback(getattr(clip.store, "close", _nothing))
        data = deidentified_header(source, pseudonyms, options)
        _describe_picture(data, source, clip)
        shown = masked_clip(clip, mask)
        _write(data, shown, out, options, on_frame, lossy_before=_lost_before(source, clip.info))


def deidentify_movie(
    clip: Clip, content: str, mask: PixelMask, out: Path, pseudonyms: Pseudonyms, on_frame: OnFrame = _nothing
) -> None:
    """Write a clip that is no DICOM file as a de-identified DICOM clip: a grey multi-frame Secondary Capture.

    Parameters
    ----------
    content
        Content hash of the clip.
    """
    data = converted_subject(content, pseudonyms, len(clip))
    _describe_picture(data, Dataset(), clip)
    shown = masked_clip(clip, mask)
    _write(data, shown, out, DeidentifyOptions(), on_frame, lossy_before=clip.info.format == "movie")


def _write(
    data: Dataset, clip: Clip, out: Path, options: DeidentifyOptions, on_frame: OnFrame, *, lossy_before: bool
) -> None:
    def frames() -> Iterator[Frame]:
        for index in range(len(clip)):
            on_frame(index, len(clip))
            yield clip.frame(index)

    syntax = put_pixels(data, frames(), options.compression, quality=options.quality, lossy_before=lossy_before)
    if str(data.SOPClassUID) == US_IMAGE:
        del data.NumberOfFrames
    save_dicom(data, syntax, out)


def _describe_picture(data: Dataset, source: Dataset, clip: Clip) -> None:
    data.SOPClassUID = shared_class(text(source, "SOPClassUID"), len(clip))
    data.ImageType = ["DERIVED", "PRIMARY"]
    data.DerivationDescription = "Decoded to 8-bit grey; all but the approved part of the picture blanked"
    data.PatientOrientation = ""
    data.BurnedInAnnotation = "NO"
    data.update(copied(source, _ACQUISITION))
    if "ImageLaterality" not in data and "Laterality" not in data:
        data.Laterality = ""
    regions = [copied(item, _REGION) for item in items(source, "SequenceOfUltrasoundRegions")]
    regions = [item for item in regions if all(keyword in item for keyword in _REGION_NEEDS)]
    for region in regions:
        region.setdefault("RegionFlags", 0)
    if regions:
        data.SequenceOfUltrasoundRegions = regions
    if str(data.SOPClassUID) == SC_GREY_MULTIFRAME:
        describe_capture(data)
        describe_grey_capture(data)
    if str(data.SOPClassUID) != US_IMAGE:
        data.update(copied(source, _CINE))
        _put_timing(data, clip.info)


def _put_timing(data: Dataset, info: ClipInfo) -> None:
    """Write the timing as it was understood; a rate that nobody said stays unsaid."""
    if info.fps_source == "assumed":
        data.FrameIncrementPointer = _PAGE_NUMBER_VECTOR
        data.PageNumberVector = list(range(1, info.frames + 1))
    elif info.frame_times_s is not None and len(info.frame_times_s) == info.frames > 1:
        steps = [0.0, *(1000.0 * (b - a) for a, b in zip(info.frame_times_s, info.frame_times_s[1:], strict=False))]
        data.FrameIncrementPointer = _FRAME_TIME_VECTOR
        data.FrameTimeVector = [decimal(round(step, 6)) for step in steps]
    else:
        data.FrameIncrementPointer = _FRAME_TIME
        data.FrameTime = decimal(round(1000.0 / info.fps, 9))


def _lost_before(source: Dataset, info: ClipInfo) -> bool:
    last = (info.transfer_syntax or "").removeprefix("1.2.840.10008.1.2.4.").split(".")[0]
    return text(source, "LossyImageCompression") == "01" or last in _LOSSY_SYNTAXES
