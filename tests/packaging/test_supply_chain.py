"""What lsgui brings along: audited with nothing taken for looked up that was not, and listed as a valid CycloneDX."""

import importlib
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def scripts() -> Any:
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(ROOT / "packaging"))


@pytest.fixture(scope="module")
def audit(scripts: Any) -> Any:
    return scripts("audit_dependencies")


KNOWN = [{"package": "pillow", "id": "CVE-1", "affected": "<12.3.0", "what": "x"}]
EXCUSE = {"package": "pillow", "id": "CVE-1", "until": "2026-12-31", "reason": "never opened"}


@pytest.mark.parametrize(
    ("version", "excuses", "today", "found", "accepted"),
    [
        ("12.2.0", [], "2026-11-24", 1, 0),
        ("12.3.0", [], "2026-11-24", 0, 0),
        ("12.2.0", [EXCUSE], "2026-11-24", 0, 1),
        ("12.2.0", [EXCUSE], "2027-01-01", 1, 0),
        ("12.2.0", [{**EXCUSE, "id": "CVE-2"}], "2026-11-24", 1, 0),
    ],
)
def test_an_advisory_is_a_finding_unless_it_is_excused_and_in_time(
    audit: Any, version: str, excuses: list[dict[str, str]], today: str, found: int, accepted: int
) -> None:
    said = audit.check_advisories({"pillow": version}, KNOWN, excuses, date.fromisoformat(today))
    assert (len(said.findings), len(said.accepted)) == (found, accepted)


def test_releases_that_the_project_excludes_are_findings(audit: Any) -> None:
    blocked = json.loads((ROOT / "packaging" / "dependency_exceptions.json").read_text(encoding="utf-8"))["blocked"]
    assert audit.check_blocked(audit.pins(), blocked) == []
    bad = {"pyside6-essentials": "6.11.1", "torch": "2.13.4", "lightning": "2.5", "numpy": "2.4.6"}
    assert [said.split()[0] for said in audit.check_blocked(bad, blocked)] == [
        "pyside6-essentials",
        "torch",
        "lightning",
    ]


def test_what_a_service_does_not_know_is_not_looked_up(audit: Any) -> None:
    """So it answers where only a mirror of the index is in reach: pip-audit itself then says 'no known'."""
    silent = {"dependencies": [{"name": "jinja2", "skip_reason": "not found on PyPI and could not be audited"}]}
    assert audit.read_pip_audit(json.dumps(silent)) == (0, ["jinja2"], [])
    flaw = {"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["12.3.0"]}
    told = {"dependencies": [{"name": "Pillow", "version": "12.2.0", "vulns": [flaw]}]}
    looked, missed, known = audit.read_pip_audit(json.dumps(told))
    assert (looked, missed) == (1, [])
    assert len(audit.check_advisories({"pillow": "12.2.0"}, known, [], date(2026, 11, 24)).findings) == 1


def test_each_exception_is_of_something_recorded_and_says_why() -> None:
    folder = ROOT / "packaging"
    exceptions = json.loads((folder / "dependency_exceptions.json").read_text(encoding="utf-8"))
    recorded = json.loads((folder / "dependency_advisories.json").read_text(encoding="utf-8"))
    named = {(entry["package"], entry["id"]) for entry in recorded["advisories"]}
    for entry in exceptions["advisories"]:
        assert (entry["package"], entry["id"]) in named
        assert date.fromisoformat(entry["until"])
        assert len(entry["reason"]) > 40
    assert date.fromisoformat(recorded["as_of"])


def test_a_file_that_is_not_its_wheels_is_found(scripts: Any, tmp_path: Path) -> None:
    from importlib.metadata import PathDistribution

    closure = scripts("runtime_closure")
    info = tmp_path / "toy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1\nLicense: MIT\n")
    (tmp_path / "toy.py").write_bytes(b"")
    empty = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    (info / "RECORD").write_text(f"toy.py,sha256={empty},0\ngone.py,sha256={empty},0\n")
    toy = PathDistribution(info)
    assert closure.changed_files(toy, 1 << 20) == ["gone.py (missing)"]
    (tmp_path / "toy.py").write_bytes(b"import os")
    assert closure.changed_files(toy, 1 << 20) == ["toy.py", "gone.py (missing)"]


def test_the_bill_of_materials_is_valid_and_names_what_is_there(
    scripts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    monkeypatch.setattr(sys, "argv", ["make_sbom", "--out", str(tmp_path / "sbom.json")])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert scripts("make_sbom").main() == 0
    text = (tmp_path / "sbom.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = json.loads(text)
    parts = {part["name"]: part for part in bom["components"]}
    assert {"torch", "pyside6-essentials", "numpy", "pydicom", "openvino", "safetensors"} <= parts.keys()
    assert not {"pytest", "mypy", "ruff", "av"} & parts.keys(), "what only contributors have"
    for path in (ROOT / "trained_models").glob("*/model.json"):
        card = json.loads(path.read_text(encoding="utf-8"))
        hashes = [entry["content"] for entry in parts[card["id"]].get("hashes", ())]
        assert hashes == ([card["sha256"]] if card.get("sha256") else [])
    inside = [library["name"] for library in parts["opencv-python-headless"].get("components", ())]
    assert any("avcodec" in name for name in inside) or not sys.platform.startswith("linux")
    graph = {entry["ref"]: entry.get("dependsOn", []) for entry in bom["dependencies"]}
    assert any(ref.startswith("numpy==") for ref in graph[bom["metadata"]["component"]["bom-ref"]])
    assert bom["metadata"]["timestamp"].startswith("2023-11-14")
    assert str(ROOT) not in text
