"""Between the window and the store: what a verdict and a clip are there, and what the store knows of a worklist."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from lsgui.annotation.clip_facts import ClipFacts, StoredVerdict
from lsgui.annotation.store import AnnotationStore
from lsgui.core.clip import ClipInfo
from lsgui.core.errors import LsguiError
from lsgui.core.file_names import text_name
from lsgui.core.label import ReaderLabel
from lsgui.core.late_imports import load
from lsgui.core.prediction import Prediction, QualityFlag
from lsgui.core.reading import StatementKind
from lsgui.readers.base import HEAD_BYTES, clip_readers
from lsgui.review.worklist_choice import ClipPlace, EntryFacts

if TYPE_CHECKING:
    from lsgui.readers.dicom_parts.identity import InstanceIdentity

_LAST = 1 << 62
"""Where a number is missing: after those that have one."""
_KNOWN_FLAGS = frozenset(flag.value for flag in QualityFlag)


def facts_of_others(store: AnnotationStore, rater: str) -> Mapping[str, EntryFacts]:
    """Return by content hash what the AI and everybody but `rater` said of clips, where they said anything."""
    others: dict[str, dict[str, ReaderLabel]] = {}
    for said in store.standing(sitting=1, kind=StatementKind.LABEL):
        if said.rater != rater:
            others.setdefault(said.content_hash, {})[said.rater] = ReaderLabel(said.value["label"])
    settled = {said.content_hash for said in store.standing(kind=StatementKind.ADJUDICATION)}
    verdicts = store.verdicts()
    return MappingProxyType(
        {
            content: facts_of(verdicts.get(content), others.get(content, {}), settled=content in settled)
            for content in {*others, *verdicts}
        }
    )


def facts_of(
    verdict: StoredVerdict | None, others: Mapping[str, ReaderLabel] = MappingProxyType({}), *, settled: bool = False
) -> EntryFacts:
    """Return what a verdict and other raters' labels, by rater, come to."""
    labels = tuple(others[rater] for rater in sorted(others))
    if verdict is None:
        return EntryFacts(others=labels, settled=settled)
    flags = frozenset(QualityFlag(name) for name in verdict.quality if name in _KNOWN_FLAGS)
    return EntryFacts(verdict.label, verdict.uncertainty, flags, labels, settled)


def verdict_to_store(content_hash: str, prediction: Prediction) -> StoredVerdict:
    """Return a verdict as the store keeps it."""
    low, high = prediction.p_absent_interval or (None, None)
    return StoredVerdict(
        content_hash=content_hash,
        file_name=prediction.clip,
        model_id=prediction.model.id,
        model_version=prediction.model.version,
        model_sha256=prediction.model.sha256,
        label=prediction.label,
        p_absent=prediction.p_absent,
        low=low,
        high=high,
        threshold=prediction.threshold,
        motion_index=prediction.motion_index,
        quality=tuple(flag.value for flag in prediction.quality),
        line_source="" if prediction.roi is None else prediction.roi.source,
        said_at=datetime.now(UTC),
    )


def clip_to_store(
    content_hash: str, info: ClipInfo, identity: "InstanceIdentity | None", store: AnnotationStore
) -> ClipFacts:
    """Return what the store keeps of a clip: identifiers only as the store's own pseudonyms."""
    patient, study, series = ("", "", "") if identity is None else (identity.patient, identity.study, identity.series)
    return ClipFacts(
        content_hash=content_hash,
        file_name=text_name(info.path.name),
        frames=info.frames,
        fps=info.fps,
        width=info.width,
        height=info.height,
        patient=store.pseudonym(patient) if patient else "",
        study=store.pseudonym(study) if study else "",
        series=store.pseudonym(series) if series else "",
    )


def place_of_instance(identity: "InstanceIdentity", salt: bytes) -> ClipPlace | None:
    """Return where an instance belongs, under hashes with this key; None where it names no study."""
    if not identity.study:
        return None
    series = _LAST if identity.series_number is None else identity.series_number
    instance = _LAST if identity.instance_number is None else identity.instance_number
    return ClipPlace(_keyed(identity.study, salt), (series, _keyed(identity.series, salt), instance))


def read_place(path: Path, salt: bytes) -> ClipPlace | None:
    """Read where a file belongs; None for one that is not DICOM, names no study or cannot be read."""
    identity = read_identity_of(path)
    return None if identity is None else place_of_instance(identity, salt)


def read_identity_of(path: Path) -> "InstanceIdentity | None":
    """Read who and what a file belongs to; None where it is not DICOM or cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(HEAD_BYTES)
        if not clip_readers()["dicom"].recognises(head):
            return None
        # Here: pydicom loads every decoder that is installed, for a second of processor time that other clips need not.
        load("lsgui.readers.dicom_parts.identity")
        from lsgui.readers.dicom_parts.identity import read_identity

        return read_identity(path)
    except (OSError, LsguiError):
        return None


def _keyed(text: str, salt: bytes) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), key=salt, digest_size=8).hexdigest()
