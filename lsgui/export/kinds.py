"""What can leave the program, by name. Light at import: the window lists it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from lsgui.core.clip import Clip


class ExportKind(StrEnum):
    """What can leave the program."""

    REPORT = "report"
    PICTURE = "picture"
    MOVIE = "movie"
    WINDOWS = "windows"
    SR = "sr"
    CAPTURE = "capture"
    DEIDENTIFIED = "deidentified"

    @property
    def wording(self) -> str:
        """What people call it."""
        return _WORDS[self.value][0]

    @property
    def purpose(self) -> str:
        """What it is for, in a sentence."""
        return _WORDS[self.value][1]

    @property
    def suffix(self) -> str:
        """The ending of its file."""
        return _WORDS[self.value][2]


_WORDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "report": ("Report", "One page with stills, M-mode, verdict and your reading, for a file or a letter.", ".pdf"),
        "picture": ("Picture", "This moment with its overlays, for a slide or a message.", ".png"),
        "movie": ("Movie", "The whole clip with overlays and verdict burned in, for teaching.", ".mp4"),
        "windows": ("Table of windows", "One row a window with its probabilities, for a spreadsheet.", ".csv"),
        "sr": (
            "DICOM structured report",
            "Verdict, reading and pleural line as coded values, for the archive.",
            ".dcm",
        ),
        "capture": ("DICOM secondary capture", "The annotated picture as a DICOM image, for the archive.", ".dcm"),
        "deidentified": ("De-identified clip", "The clip itself as DICOM without names, for sharing.", ".dcm"),
    }
)


def needs_mask(kinds: Iterable[ExportKind], clip: Clip) -> bool:
    """Whether pixels would leave: a structured report refers to a DICOM image, made where there is none."""
    wanted = set(kinds)
    return bool(wanted - {ExportKind.WINDOWS, ExportKind.SR}) or (
        ExportKind.SR in wanted and clip.info.format != "dicom"
    )
