"""Whether a DICOM file holds what its IOD asks for: by the standard's tables (as highdicom carries them), and by
dciodvfy of dicom3tools where it is installed."""

import shutil
import subprocess
from pathlib import Path

from highdicom._standard_utils import get_iod_module_map, get_module_attribute_map, get_sop_class_iod_map
from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword

_NEVER_WRITTEN = {"PixelDataProviderURL"}
_BY_VALUE_TYPE = "sr-document-content"
"""A module whose tags depend on the kind of content item: highdicom and dciodvfy look at it."""


def faults(path: Path) -> list[str]:
    """Return what is wrong with a file: required tags that are missing or empty, tags that its IOD does not know."""
    dataset = dcmread(path)
    iod = get_sop_class_iod_map()[str(dataset.SOPClassUID)]
    found, known = [], set()
    for module in get_iod_module_map()[iod]:
        attributes = [a for a in get_module_attribute_map()[module["key"]] if not a["path"]]
        known |= {a["keyword"] for a in attributes}
        if module["usage"] == "M" and module["key"] != _BY_VALUE_TYPE:
            found += [fault for a in attributes if (fault := _fault(dataset, a["keyword"], a["type"]))]
    found += [f"{e.keyword} is no tag of {iod}" for e in dataset if e.keyword not in known and e.tag.group != 2]
    return found + by_dciodvfy(path)


def _fault(dataset: Dataset, keyword: str, kind: str) -> str:
    if kind not in ("1", "2") or keyword in _NEVER_WRITTEN:
        return ""
    if tag_for_keyword(keyword) not in dataset:
        return f"{keyword} (type {kind}) is missing"
    if kind == "1" and dataset[keyword].value in (None, "", []):
        return f"{keyword} (type 1) is empty"
    return ""


def by_dciodvfy(path: Path) -> list[str]:
    """Return the errors that dciodvfy finds; nothing where it is not installed."""
    program = shutil.which("dciodvfy")
    if program is None:
        return []
    said = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
    return [line for line in (said.stdout + said.stderr).splitlines() if line.startswith(("Error", "Abort"))]
