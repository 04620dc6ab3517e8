"""Write the software bill of materials of lsgui as it is installed here: CycloneDX 1.6, JSON.

    .venv/bin/python packaging/make_sbom.py --out sbom.cdx.json [--wheel lsgui-0.1.0-py3-none-any.whl]

It names lsgui, every distribution that it needs to run here with its licence, the shared libraries of others inside
their wheels with their hashes as the wheels list them, and the models that lsgui ships with the hashes of their
weights. What a wheel has linked into its own code (Qt's parts, codecs within codecs) shows only as that wheel. The time
is SOURCE_DATE_EPOCH where that is set.
"""

import argparse
import hashlib
import json
import os
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import Distribution
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from runtime_closure import ROOT, asked_for, licence_of, native_libraries, needed, normal, runtime_closure

MODELS = ROOT / "trained_models"


def _hash(digest: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else []


def _program(wheel: Path | None) -> Component:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    digest = "" if wheel is None else hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Component(
        name="lsgui",
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=f"lsgui=={project['version']}",
        purl=PackageURL("pypi", None, "lsgui", project["version"]),
        description=project["description"],
        licenses=[DisjunctiveLicense(id=project["license"])],
        hashes=_hash(digest),
    )


def distribution_component(name: str, installed: Distribution) -> Component:
    """Return a distribution with the shared libraries of others that its wheel carries."""
    licence = licence_of(installed)
    return Component(
        name=name,
        version=installed.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}=={installed.version}",
        purl=PackageURL("pypi", None, name, installed.version),
        licenses=[DisjunctiveLicense(name=licence)] if licence else [],
        components=[
            Component(
                name=library.name,
                version=library.version or None,
                type=ComponentType.LIBRARY,
                bom_ref=f"{name}=={installed.version}/{library.file}",
                hashes=_hash(library.sha256),
                properties=[Property(name="lsgui:file", value=library.file)],
            )
            for library in native_libraries(installed)
        ],
    )


def model_components() -> list[Component]:
    """Return the models that are shipped, each with the hash of its weights."""
    found = []
    for path in sorted(MODELS.glob("*/model.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        said = {"architecture": card["architecture"], "trained_on": card.get("trained_on", "")}
        found.append(
            Component(
                name=card["id"],
                version=card["version"],
                type=ComponentType.MACHINE_LEARNING_MODEL,
                bom_ref=f"model:{card['id']}=={card['version']}",
                description=card["title"],
                hashes=_hash(card.get("sha256") or ""),
                properties=[Property(name=f"lsgui:{name}", value=value) for name, value in said.items() if value],
            )
        )
    return found


def make_bom(wheel: Path | None = None) -> Bom:
    """Return the bill of materials."""
    closure = runtime_closure()
    program, models = _program(wheel), model_components()
    parts = {name: distribution_component(name, installed) for name, installed in closure.items()}
    bom = Bom(components=[*parts.values(), *models])
    bom.metadata.component = program
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    bom.metadata.timestamp = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
    bom.serial_number = uuid5(
        NAMESPACE_URL, "\n".join(sorted(str(part.bom_ref) for part in (program, *bom.components)))
    )
    asked = {normal(wanted.name) for wanted in asked_for()}
    bom.register_dependency(program, [*(parts[name] for name in sorted(asked & parts.keys())), *models])
    for name, installed in closure.items():
        wanted = {normal(requirement.name) for requirement in needed(installed)}
        bom.register_dependency(parts[name], [parts[other] for other in sorted(wanted & parts.keys())])
    return bom


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--wheel", type=Path)
    asked = parser.parse_args()
    bom = make_bom(asked.wheel)
    JsonV1Dot6(bom).output_to_file(str(asked.out), allow_overwrite=True, indent=1)
    inside = sum(len(part.components) for part in bom.components)
    print(f"make_sbom: {asked.out.name}: {len(bom.components)} components, {inside} libraries inside their wheels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
