"""The DICOM files of an export: clip without identifiers, captured pictures, structured report."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom.dataset import Dataset

from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError
from lsgui.export.deidentify import OnFrame, deidentify_dicom, deidentify_movie
from lsgui.export.dicom_header import DeidentifyOptions
from lsgui.export.dicom_pixels import Pixels
from lsgui.export.dicom_sr import Findings, write_structured_report
from lsgui.export.dicom_subject import converted_subject, subject_of
from lsgui.export.mask import PixelMask
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.export.secondary_capture import write_secondary_capture
from lsgui.export.stamp import Stamp


def _nothing(*_: int) -> None:
    """Stand in for a listener."""


@dataclass(frozen=True, slots=True, eq=False)
class DicomExport:
    """Writes the DICOM files of one clip.

    Attributes
    ----------
    clip, content_hash
        The clip as it was read, unmasked, and its hash.
    pseudonyms
        Those of the project: one patient, study and clip have the same ones in everything that is exported.
    mask
        What is blanked, approved by a person; None where nobody has looked: then no pixel leaves.
    identified
        Keep the patient's name and the study, for results that stay in the hospital; never for `write_clip`.
    options
        What a de-identified header keeps.
    """

    clip: Clip
    content_hash: str
    pseudonyms: Pseudonyms
    mask: PixelMask | None = None
    identified: bool = False
    options: DeidentifyOptions = field(default_factory=DeidentifyOptions)

    @property
    def file_name(self) -> str:
        """The name, without ending, under which the clip leaves: a pseudonym."""
        return self.pseudonyms.clip_name(self.content_hash)

    def write_clip(self, out: Path, on_frame: OnFrame = _nothing) -> None:
        """Write the clip without identifiers, blanked by the mask; `on_frame` is as `deidentify_dicom` says."""
        mask = self._approved()
        if self.clip.info.format == "dicom":
            deidentify_dicom(self.clip.info.path, mask, out, self.pseudonyms, self.options, self.clip, on_frame)
        else:
            deidentify_movie(self.clip, self.content_hash, mask, out, self.pseudonyms, on_frame)

    def write_capture(self, pictures: Iterable[Pixels], stamp: Stamp, out: Path, fps: float | None = None) -> None:
        """Write pictures that were rendered from the masked clip as a Secondary Capture."""
        self._approved()
        write_secondary_capture(pictures, self._subject(), stamp, out, fps=fps, identified=self._named)

    def write_report(
        self, findings: Findings, stamp: Stamp, out: Path, on_frame: OnFrame = _nothing
    ) -> tuple[Path, ...]:
        """Write the structured report, and return the files that were written.

        A report refers to a DICOM image: of a clip that is none, a de-identified copy is written first, beside it.
        Readers are named, and their comments told, only where the patient is named too.
        """
        findings = replace(
            findings, rater_name=findings.rater_name if self._named else self._rater_code, comments=self._named
        )
        if self.clip.info.format == "dicom":
            write_structured_report(findings, self._subject(), stamp, out)
            return (out,)
        image = out.with_name(f"{out.stem}-clip.dcm")
        self.write_clip(image, on_frame)
        subject = converted_subject(self.content_hash, self.pseudonyms, len(self.clip))
        write_structured_report(findings, subject, stamp, out)
        return (out, image)

    def _rater_code(self, rater: str) -> str:
        return f"Reader {self.pseudonyms.code('rater', rater)}"

    @property
    def _named(self) -> bool:
        return self.identified and self.clip.info.format == "dicom"

    def _subject(self) -> Dataset:
        return subject_of(
            self.clip.info.path, self.content_hash, self.pseudonyms, self.options, identified=self.identified
        )

    def _approved(self) -> PixelMask:
        if self.mask is None:
            raise LsguiError(
                f"{self.clip.info.path.name}: nobody has looked yet at what of its picture may leave: approve the mask "
                "of this series first."
            )
        return self.mask
