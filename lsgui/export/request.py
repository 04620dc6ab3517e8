"""What an export job is made of, and what comes of it. Frozen: it is put together in one thread and done in another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from lsgui.core.clip import Clip
from lsgui.core.file_names import fitting_name, text_name
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction
from lsgui.core.reading import ReadingRecord
from lsgui.export.annotated_frame import ALL_LAYERS, Box, Greys, HeatLook, Layers
from lsgui.export.kinds import ExportKind, needs_mask
from lsgui.export.mask import PixelMask
from lsgui.export.pseudonyms import Pseudonyms

Paper = Literal["a4", "letter"]


@dataclass(frozen=True, slots=True, eq=False)
class ExportRequest:
    """One clip and what is wanted of it.

    Attributes
    ----------
    clip
        The clip as it was read, every frame decoded.
    content_hash
        SHA-256 of the clip.
    kinds
        What is wanted.
    folder
        Where it goes.
    mask
        What is painted black, approved by a person; None where nobody has looked: then no pixel leaves.
    roi, prediction, maps
        Pleural line, verdict and heat maps; None and empty for what is not there.
    record
        The reader's own reading; None for none.
    hidden
        True while a blind reader has not saved a reading: the verdict and all that shows it are left out.
    area
        Box of the ultrasound image in pixels of the file; None: it is looked for.
    mm_per_px, calibrated
        Scale of the clip's rows, and whether the file says it.
    frame
        The moment that is shown; None for the middle one.
    mmode_column
        Where along the pleural line the M-mode is taken, 0 to 1.
    layers, look
        What lies over the picture, and how the heat map is drawn (None: by itself).
    greys
        The grey shown for every grey of the clip, as the reader set them; None for the clip's own. M-modes and clips
        keep their own.
    keep_names
        Name files after the clip and say the clip's name; otherwise files carry its hash alone.
    identified
        Keep the patient and study in DICOM results, for an archive of the same hospital; never in a de-identified clip.
    pseudonyms
        Those of the project, for DICOM results without identifiers; None: of this export alone.
    overwrite
        Take the place of a file of the same name; otherwise a number is added.
    paper
        Size of the report's page.
    file_names
        Names that a person chose, by kind; the usual ones for others.
    """

    clip: Clip
    content_hash: str
    kinds: tuple[ExportKind, ...]
    folder: Path
    mask: PixelMask | None = None
    roi: PleuralROI | None = None
    prediction: Prediction | None = None
    maps: Mapping[str, MotionMap] = field(default_factory=lambda: MappingProxyType({}))
    record: ReadingRecord | None = None
    hidden: bool = False
    area: Box | None = None
    mm_per_px: float | None = None
    calibrated: bool = False
    frame: int | None = None
    mmode_column: float = 0.5
    layers: Layers = ALL_LAYERS
    greys: Greys | None = None
    look: HeatLook | None = None
    keep_names: bool = False
    identified: bool = False
    pseudonyms: Pseudonyms | None = None
    overwrite: bool = False
    paper: Paper = "a4"
    file_names: Mapping[ExportKind, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def shown_prediction(self) -> Prediction | None:
        """The verdict that may be shown; None where there is none, or the reader must not see it yet."""
        return None if self.hidden else self.prediction

    @property
    def shown_maps(self) -> Mapping[str, MotionMap]:
        """The heat maps that may be shown."""
        return MappingProxyType({}) if self.hidden else self.maps

    @property
    def needs_mask(self) -> bool:
        """Whether pixels would leave."""
        return needs_mask(self.kinds, self.clip)

    @property
    def moment(self) -> int:
        """The frame that is shown."""
        middle = len(self.clip) // 2
        return middle if self.frame is None else min(max(self.frame, 0), len(self.clip) - 1)

    @property
    def clip_name(self) -> str:
        """What the clip is called in what leaves: the first digits of its hash, its own name only when asked."""
        return text_name(self.clip.info.path.name) if self.keep_names else f"Clip {self.content_hash[:8]}"

    def file_name(self, kind: ExportKind) -> str:
        """Return the name of the file of a kind: "lsgui-1a2b3c4d-report.pdf"."""
        if kind in self.file_names:
            return self.file_names[kind]
        stem = self.clip.info.path.stem if self.keep_names else f"lsgui-{self.content_hash[:8]}"
        return fitting_name(stem, f"-{kind.value}{kind.suffix}")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that was written, and what is to be said of it (its codec, for a movie); empty for nothing."""

    kind: ExportKind
    path: Path
    note: str = ""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What came of a request: files, and a sentence for every kind that could not be made."""

    files: tuple[ExportedFile, ...]
    left_out: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """One sentence for the reader."""
        names = ", ".join(file.path.name for file in self.files)
        if len(self.files) > 2:
            names = f"{self.files[0].path.name} and {len(self.files) - 1} more files"
        notes = [file.note for file in self.files if file.note]
        return " ".join([f"Saved {names}." if names else "Nothing was saved.", *notes, *self.left_out])
