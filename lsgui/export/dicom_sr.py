"""Verdict and readings as a DICOM structured report: Comprehensive 3D SR, TID 1500 Measurement Report.

The program's verdict and what people said are measurement groups of their own, each with its own observer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from lsgui import __version__
from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction
from lsgui.core.reading import CONFIDENCE_WORDS, ReadingRecord
from lsgui.export.dicom_header import IMPLEMENTATION_UID, UTF_8
from lsgui.export.dicom_pixels import save_dicom
from lsgui.export.stamp import Stamp
from lsgui.readers.dicom_parts.tags import quiet

if TYPE_CHECKING:
    from highdicom.sr import ContentItem

SCHEME = "99LSGUI"
PRESENT = Code("52101004", "SCT", "Present")
ABSENT = Code("272519000", "SCT", "Absent")
UNDETERMINED = Code("373068000", "SCT", "Undetermined")
LUNG_SLIDING = Code("LS001", SCHEME, "Lung sliding")
VERDICT = Code("LS002", SCHEME, "Verdict of the program on lung sliding")
READING = Code("LS003", SCHEME, "Reader's label of lung sliding")
LUNG_POINT = Code("LS004", SCHEME, "Lung point: present and absent side by side")
P_ABSENT = Code("LS010", SCHEME, "Probability of absent lung sliding")
THRESHOLD = Code("LS011", SCHEME, "Threshold of that probability")
MOTION_INDEX = Code("LS012", SCHEME, "Motion index of lung against chest wall")
CONFIDENCE = Code("LS013", SCHEME, "Confidence of the reader, 1 to 3")
QUALITY_FLAG = Code("LS020", SCHEME, "Quality flag")
STATEMENT_OF_USE = Code("LS021", SCHEME, "Statement of use")
ORIGIN = Code("LS022", SCHEME, "Program, model, clip and time")
CLIP_SHA256 = Code("LS023", SCHEME, "SHA-256 of the clip")
REMARK = Code("LS024", SCHEME, "Remark")
BLIND = Code("LS025", SCHEME, "Circumstances of the reading")
INTERVAL = Code("LS026", SCHEME, "Marked interval of frames, from 1")
TAG = Code("LS027", SCHEME, "Sign seen by the reader")
PLEURA = Code("3120008", "SCT", "Pleura")
_CHEST_ULTRASOUND = Code("24630-8", "LN", "US Chest")
_NO_UNITS = Code("1", "UCUM", "no units")
_SERIES_NUMBER = 9000

_VERDICT_CODES = {
    SlidingLabel.LS_P: PRESENT,
    SlidingLabel.LS_A: ABSENT,
    SlidingLabel.CANNOT_ASSESS: UNDETERMINED,
}
_READING_CODES = {
    ReaderLabel.LS_P: PRESENT,
    ReaderLabel.LS_A: ABSENT,
    ReaderLabel.CANNOT_ASSESS: UNDETERMINED,
    ReaderLabel.LUNG_POINT: LUNG_POINT,
}


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What a report says.

    Attributes
    ----------
    prediction
        The verdict of the program, None where there is none or a blind reader must not see it.
    readings
        What readers said.
    roi
        The pleural line that they refer to; that of the prediction by default.
    rater_name
        How a reader is named; as in the store by default.
    comments
        Whether readers' comments are told: free text may name a patient.
    """

    prediction: Prediction | None
    readings: Sequence[ReadingRecord] = ()
    roi: PleuralROI | None = None
    rater_name: Callable[[str], str] = str
    comments: bool = False

    @property
    def line(self) -> PleuralROI | None:
        """The pleural line."""
        if self.roi is not None or self.prediction is None:
            return self.roi
        return self.prediction.roi


def write_structured_report(findings: Findings, source: Dataset, stamp: Stamp, out: Path) -> None:
    """Write a Comprehensive 3D SR on a clip.

    Parameters
    ----------
    findings
        What it says.
    source
        Header of the DICOM instance that it refers to, with its SOP class and UIDs (`dicom_subject.subject_of`, or the
        header of a Secondary Capture that was made of a clip of another kind).
    stamp
        Program, model, clip and time.

    Raises
    ------
    LsguiError
        When the file cannot be written.
    ValueError
        When there is neither a verdict nor a reading, or the source is no instance.
    """
    from highdicom.sr import Comprehensive3DSR, MeasurementReport

    groups = [] if findings.prediction is None else [_verdict_group(findings.prediction, findings.line, source, stamp)]
    groups += [_reading_group(reading, findings, source) for reading in findings.readings if reading.label is not None]
    if not groups:
        raise ValueError("neither a verdict nor a reading")
    with quiet(), disable_value_validation():  # a source's odd values are not this program's to complain of
        content = MeasurementReport(
            observation_context=_observers(findings),
            procedure_reported=_CHEST_ULTRASOUND,
            imaging_measurements=groups,
        )
        report: Dataset = Comprehensive3DSR(
            evidence=[source],
            content=content,
            series_instance_uid=generate_uid(prefix=None),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=generate_uid(prefix=None),
            instance_number=1,
            manufacturer="lsgui",
            is_complete=True,
            is_final=False,
            is_verified=False,
            specific_character_set=UTF_8,
            manufacturer_model_name="lsgui",
            software_versions=__version__,
        )
    _finish(report, source, stamp)
    save_dicom(report, str(ExplicitVRLittleEndian), out)


def _observers(findings: Findings) -> Any:
    from highdicom.sr import (
        CodedConcept,
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
        PersonObserverIdentifyingAttributes,
    )

    device = ObserverContext(
        observer_type=CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=IMPLEMENTATION_UID, name="lsgui", manufacturer_name="lsgui", model_name=f"lsgui {__version__}"
        ),
    )
    raters = list(dict.fromkeys(reading.rater for reading in findings.readings))
    if not raters:
        return ObservationContext(observer_device_context=device)
    person = ObserverContext(
        observer_type=CodedConcept("121006", "DCM", "Person"),
        observer_identifying_attributes=PersonObserverIdentifyingAttributes(
            name=_person_name(findings.rater_name(raters[0]))
        ),
    )
    return ObservationContext(observer_person_context=person, observer_device_context=device)


def _verdict_group(prediction: Prediction, line: PleuralROI | None, source: Dataset, stamp: Stamp) -> Any:
    from highdicom.sr import AlgorithmIdentification, Measurement, MeasurementProperties

    model = prediction.model
    algorithm = AlgorithmIdentification(
        name=model.id,
        version=model.version or "none",
        parameters=[
            f"weights sha256={model.sha256 or 'none'}",
            f"threshold={prediction.threshold:g} ({prediction.threshold_source})",
            f"device={prediction.device}",
        ],
        manufacturer="lsgui",
    )
    measurements = []
    if prediction.p_absent is not None:
        low, high = prediction.p_absent_interval or (prediction.p_absent, prediction.p_absent)
        spread = MeasurementProperties(
            upper_measurement_uncertainty=_rounded(max(high - prediction.p_absent, 0.0)),
            lower_measurement_uncertainty=_rounded(max(prediction.p_absent - low, 0.0)),
        )
        measurements.append(Measurement(P_ABSENT, _rounded(prediction.p_absent), _NO_UNITS, properties=spread))
        measurements.append(Measurement(THRESHOLD, _rounded(prediction.threshold), _NO_UNITS))
    if prediction.motion_index is not None:
        measurements.append(Measurement(MOTION_INDEX, _rounded(prediction.motion_index), _NO_UNITS))
    group = _group(
        VERDICT,
        "Verdict",
        _VERDICT_CODES[prediction.label],
        line,
        source,
        measurements=measurements,
        algorithm=algorithm,
    )
    words = [(REMARK, prediction.label.wording)]
    if prediction.label is SlidingLabel.CANNOT_ASSESS:
        words.append((REMARK, CANNOT_ASSESS_ADVICE))
    if prediction.p_absent_interval is not None:
        low, high = prediction.p_absent_interval
        words.append((REMARK, f"Spread of the probability over windows and stretches: {low:.3f} to {high:.3f}"))
    if prediction.hint:
        words.append((REMARK, prediction.hint))
    words += [(QUALITY_FLAG, f"{flag.value}: {flag.sentence}") for flag in prediction.quality]
    if model.trained_on:
        words.append((REMARK, f"Trained on: {model.trained_on}"))
    words += [(STATEMENT_OF_USE, RESEARCH_LINE), (ORIGIN, stamp.line), (CLIP_SHA256, stamp.content_hash)]
    _add_text(group, words)
    return group


def _reading_group(reading: ReadingRecord, findings: Findings, source: Dataset) -> Any:
    from highdicom.sr import Measurement, PnameContentItem

    assert reading.label is not None
    rater = findings.rater_name(reading.rater)
    measurements = []
    if reading.confidence is not None:
        measurements.append(Measurement(CONFIDENCE, reading.confidence, _NO_UNITS))
    line = reading.line or findings.roi
    group = _group(READING, "Reading", _READING_CODES[reading.label], line, source, measurements=measurements)
    observer = PnameContentItem(
        Code("121008", "DCM", "Person Observer Name"), _person_name(rater), relationship_type="HAS OBS CONTEXT"
    )
    group[0].ContentSequence.insert(0, observer)
    circumstances = "blind to the verdict and to other readers" if reading.blind else "not blind"
    words = [(REMARK, reading.label.wording), (BLIND, f"{circumstances}; sitting {reading.sitting}")]
    words += [(TAG, tag.wording) for tag in sorted(reading.tags)]
    if reading.confidence is not None:
        words.append((REMARK, CONFIDENCE_WORDS[reading.confidence]))
    for mark in reading.intervals:
        if mark.stop is not None:
            label = "" if mark.label is None else f": {mark.label.wording}"
            words.append((INTERVAL, f"{mark.start + 1} to {mark.stop}{label}"))
    if reading.comment and findings.comments:
        words.append((REMARK, reading.comment))
    if reading.adjudicated:
        words.append((REMARK, "Adjudication of several readings"))
    words.append((STATEMENT_OF_USE, RESEARCH_LINE))
    _add_text(group, words)
    group[0].ObservationDateTime = f"{reading.said_at.astimezone():%Y%m%d%H%M%S}"
    return group


def _group(
    finding: Code,
    name: str,
    answer: Code,
    line: PleuralROI | None,
    source: Dataset,
    *,
    measurements: list[Any],
    algorithm: Any = None,
) -> Any:
    """Return a measurement group: on the pleural line where there is one, else on the clip."""
    from highdicom.sr import (
        FindingSite,
        MeasurementsAndQualitativeEvaluations,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        SourceImageForMeasurementGroup,
        TrackingIdentifier,
    )

    common: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(uid=generate_uid(prefix=None), identifier=name),
        "finding_type": finding,
        "finding_sites": [FindingSite(PLEURA)],
        "measurements": measurements or None,
        "qualitative_evaluations": [QualitativeEvaluation(LUNG_SLIDING, answer)],
        "algorithm_id": algorithm,
    }
    if line is not None:
        return PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=_region(line, source), **common)
    image = SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)
    return MeasurementsAndQualitativeEvaluations(source_images=[image], **common)


def _region(line: PleuralROI, source: Dataset) -> Any:
    from highdicom.sr import GraphicTypeValues, ImageRegion, SourceImageForRegion

    frame = [line.frame + 1] if int(source.get("NumberOfFrames") or 1) > 1 else None
    image = SourceImageForRegion(source.SOPClassUID, source.SOPInstanceUID, frame)
    # SCOORD counts from the upper left corner of the first pixel, the line from its centre
    points = np.round(line.polyline + 0.5, 3)
    return ImageRegion(GraphicTypeValues.POLYLINE, points, image)


def _add_text(group: Any, words: list[tuple[Code, str]]) -> None:
    from highdicom.sr import RelationshipTypeValues, TextContentItem

    for name, text in words:
        item: ContentItem = TextContentItem(name, text, RelationshipTypeValues.CONTAINS)
        group[0].ContentSequence.append(item)


def _finish(report: Dataset, source: Dataset, stamp: Stamp) -> None:
    """Add what highdicom leaves out: the private scheme, the series' words, the state of de-identification."""
    scheme = Dataset()
    scheme.CodingSchemeDesignator = SCHEME
    scheme.CodingSchemeName = "Codes of lsgui for lung sliding"
    scheme.CodingSchemeResponsibleOrganization = "lsgui"
    report.CodingSchemeIdentificationSequence = [scheme]
    report.SeriesDescription = "lsgui lung sliding"
    made = stamp.made_at.astimezone()
    report.ContentDate, report.ContentTime = f"{made:%Y%m%d}", f"{made:%H%M%S}"
    for keyword in ("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"):
        if keyword in source:
            report[keyword] = source[keyword]
    if "LongitudinalTemporalInformationModified" in source:
        report.LongitudinalTemporalInformationModified = source.LongitudinalTemporalInformationModified


def _person_name(name: str) -> str:
    """Return a name as DICOM writes it: a family name alone ends in a caret."""
    cleaned = name.replace("\\", " ").replace("=", " ").strip() or "Reader"
    return cleaned if "^" in cleaned else f"{cleaned}^"


def _rounded(value: float) -> float:
    return round(float(value), 6)
