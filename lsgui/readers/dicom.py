"""DICOM ultrasound: multi-frame, single frame and secondary capture, in every transfer syntax of the field."""

from pathlib import Path

from lsgui.core.late_imports import load
from lsgui.readers.base import READERS, ReadOptions
from lsgui.readers.frame_source import FrameSource

_PREAMBLE = 128
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")
_FIRST_GROUPS_BIG = (b"\x00\x02", b"\x00\x08")
_VRS = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_LONGEST_FIRST_VALUE = 1024


@READERS.register("dicom")
class DicomReader:
    """Reads one instance: one clip."""

    title = "DICOM"
    suffixes = frozenset({".dcm", ".dicom", ".ima"})
    folders = False

    def recognises(self, head: bytes) -> bool:
        """Tell whether the file begins like DICOM, with or without preamble and file meta information."""
        if head[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
            return True
        if len(head) < 12:
            return False
        if head[4:6] in _VRS:
            return head[:2] in _FIRST_GROUPS + _FIRST_GROUPS_BIG
        length = int.from_bytes(head[4:8], "little")
        return head[:2] in _FIRST_GROUPS and length <= _LONGEST_FIRST_VALUE and length % 2 == 0

    def open(self, path: Path, options: ReadOptions) -> FrameSource:
        """Open an instance and decode its first frame."""
        load("lsgui.readers.dicom_parts.instance")
        from lsgui.readers.dicom_parts.instance import open_instance

        return open_instance(path, options)
