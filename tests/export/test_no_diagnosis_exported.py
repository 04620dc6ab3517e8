"""No export names the diagnosis; a clip that is no lung leaves as "cannot assess" with the reason."""

import json
import re
from pathlib import Path

import pydicom
import pypdf
import pytest
from export_samples import named_clip, request_for, verdict_of

from lsgui.core.clip import Clip
from lsgui.core.label import CANNOT_ASSESS_ADVICE, SlidingLabel
from lsgui.core.prediction import QualityFlag
from lsgui.export.bundle import run_export
from lsgui.export.request import ExportKind

DIAGNOSIS = re.compile(r"pneumo-?\s?thora|\bptx\b|collapsed lung|36118008", re.IGNORECASE)
REFUSED = {
    "p_absent": None,
    "p_absent_interval": None,
    "motion_index": None,
    "motion_interval": None,
    "windows": (),
    "segments": (),
    "ribbon": None,
    "quality": (QualityFlag.NOT_LUNG,),
    "band_ratio": None,
    "wall_correlation": None,
}


def texts_of(folder: Path) -> dict[str, str]:
    """Return what every exported file says, as text."""
    said = {}
    for path in sorted(folder.iterdir()):
        raw = path.read_bytes()
        said[path.name] = raw.decode("utf-8", "ignore") + raw.decode("utf-16-le", "ignore")
        if path.suffix == ".pdf":
            document = pypdf.PdfReader(path)
            said[path.name] += "".join(page.extract_text() for page in document.pages) + str(document.metadata)
        elif path.suffix == ".dcm":
            said[path.name] += str(pydicom.dcmread(path, stop_before_pixels=True))
    return said


@pytest.fixture
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """A clip whose file is there."""
    path = tmp_path_factory.mktemp("source") / "NOVAK_JAN.mp4"
    path.write_bytes(b"a movie")
    return named_clip(path=path)


@pytest.mark.parametrize("label", SlidingLabel)
def test_no_export_names_it(label: SlidingLabel, clip: Clip, tmp_path: Path) -> None:
    kinds = (ExportKind.REPORT, ExportKind.SR, ExportKind.CAPTURE, ExportKind.WINDOWS)
    run_export(request_for(tmp_path, *kinds, clip=clip, prediction=verdict_of(clip, label)))
    said = texts_of(tmp_path)
    assert len(said) >= len(kinds)
    assert not [name for name, text in said.items() if DIAGNOSIS.search(text)]


def test_a_clip_that_is_no_lung_leaves_as_cannot_assess_with_its_reason(clip: Clip, tmp_path: Path) -> None:
    refused = verdict_of(clip, SlidingLabel.CANNOT_ASSESS, **REFUSED)
    run_export(request_for(tmp_path, ExportKind.REPORT, ExportKind.SR, clip=clip, prediction=refused))
    said = {name: " ".join(text.split()) for name, text in texts_of(tmp_path).items()}
    (report,) = (text for name, text in said.items() if name.endswith("report.pdf"))
    (structured,) = (text for name, text in said.items() if name.endswith("sr.dcm"))
    assert QualityFlag.NOT_LUNG.sentence in report
    assert "Cannot assess" in report
    assert CANNOT_ASSESS_ADVICE.split(":")[0] in report
    assert f"not_lung: {QualityFlag.NOT_LUNG.sentence}" in structured
    assert "373068000" in structured  # undetermined
    assert json.loads(json.dumps(refused.to_json()))["quality"] == ["not_lung"]
