"""Audit what lsgui is installed with, and say plainly what was looked up and what was not.

    .venv/bin/python packaging/audit_dependencies.py [--offline] [--require-advisories]

Certain without any service: releases that this project excludes, advisories recorded in `dependency_advisories.json`
(dated, not complete), licences, and whether the installed files are those that their wheels list. Asked where they
answer: the package index for releases that were withdrawn, and the advisory services of pip-audit. An advisory service
that does not answer, or does not know a package, counts as not looked up, never as a clean answer.

`dependency_exceptions.json` names what is accepted, why, and until when. Exit status 1 where anything else is found, an
exception is past its day, or (`--require-advisories`) no service answered.
"""

import argparse
import fnmatch
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from runtime_closure import asked_for, changed_files, licence_of, runtime_closure

HERE = Path(__file__).parent
LARGEST = 64 << 20
"""Bytes of the largest installed file that is hashed: beyond that are NVIDIA's libraries alone."""
FREE = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|MPL|HPND|CC0|Unlicense|BSL)\b", re.IGNORECASE
)
SERVICES = ("pypi", "osv")
PATIENCE_S = 240


@dataclass(slots=True)
class Audit:
    """What was found and what was not looked up."""

    findings: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def pins() -> dict[str, str]:
    """Return the versions of `constraints.txt` by package."""
    rows = (HERE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = (Requirement(row) for row in rows if row.strip() and not row.startswith("#"))
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pinned}


def check_blocked(versions: Mapping[str, str], blocked: Iterable[Mapping[str, str]]) -> list[str]:
    """Return a sentence for each release that this project excludes."""
    return [
        f"{entry['package']} {versions[entry['package']]} is excluded: {entry['reason']}"
        for entry in blocked
        if versions.get(entry["package"]) in SpecifierSet(entry["versions"]) and entry["package"] in versions
    ]


def check_advisories(
    versions: Mapping[str, str], known: Iterable[Mapping[str, str]], excused: Iterable[Mapping[str, str]], today: date
) -> Audit:
    """Hold versions against advisories: a finding for each that is affected and not excused until a day to come."""
    audit = Audit()
    excuses = {(entry["package"], entry["id"]): entry for entry in excused}
    for entry in known:
        package, version = entry["package"], versions.get(entry["package"])
        if version is None or not SpecifierSet(entry["affected"]).contains(version, prereleases=True):
            continue
        excuse = excuses.get((package, entry["id"]))
        said = f"{package} {version}: {entry['id']} ({entry['what']})"
        if excuse is None:
            audit.findings.append(said)
        elif date.fromisoformat(excuse["until"]) < today:
            audit.findings.append(f"{said}: its exception ended on {excuse['until']}")
        else:
            audit.accepted.append(f"{said}: accepted until {excuse['until']}. {excuse['reason']}")
    return audit


def check_floors(known: Iterable[Mapping[str, str]], excused: Iterable[Mapping[str, str]]) -> list[str]:
    """Return a sentence for each requirement of `pyproject.toml` that lets a plain `pip install` take an affected one.

    A plain install takes the newest release, so that this is told and is no finding.
    """
    known, kept = list(known), {(entry["package"], entry["id"]) for entry in excused}
    found = []
    for wanted in asked_for():
        lowest = [part.version for part in wanted.specifier if part.operator == ">="]
        for entry in known if lowest else ():
            same = entry["package"] == canonicalize_name(wanted.name)
            if same and (entry["package"], entry["id"]) not in kept and lowest[0] in SpecifierSet(entry["affected"]):
                found.append(f"pyproject.toml allows {wanted.name} {lowest[0]}, which has {entry['id']}")
    return found


def check_installed(exceptions: Mapping[str, Any]) -> Audit:
    """Look at licences and files of everything that lsgui needs to run."""
    audit = Audit()
    allowed = {entry["package"]: entry["reason"] for entry in exceptions["licences"]}
    closure = runtime_closure()
    for name, installed in closure.items():
        licence = licence_of(installed)
        reason = next((why for pattern, why in allowed.items() if fnmatch.fnmatch(name, pattern)), "")
        if reason:
            audit.accepted.append(f"{name}: licence {licence or 'not told'}. {reason}")
        elif not FREE.search(licence) or "GPL" in licence.replace("LGPL", ""):
            audit.findings.append(f"{name}: licence {licence or 'not told'} is not on the list")
        audit.findings += [f"{name}: {file} is not the file of its wheel" for file in changed_files(installed, LARGEST)]
    audit.notes.append(f"{len(closure)} distributions that lsgui needs here: licences and files looked at")
    return audit


def check_withdrawn(versions: Mapping[str, str]) -> Audit:
    """Ask the package index, by pip, whether a release was withdrawn (PEP 592)."""
    audit = Audit()
    with tempfile.TemporaryDirectory() as folder:
        listed, report = Path(folder, "pins.txt"), Path(folder, "report.json")
        listed.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet"]
        command += ["--only-binary", ":all:", "--no-input", "--report", str(report), "--requirement", str(listed)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            done = None
        if done is None or done.returncode != 0 or not report.exists():
            audit.notes.append("NOT LOOKED UP: withdrawn releases; the package index did not answer for all of them")
            return audit
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    audit.notes.append(f"{len(found)} releases looked up at the package index for having been withdrawn")
    audit.findings += [
        f"{item['metadata']['name']} {item['metadata']['version']} was withdrawn from the index"
        for item in found
        if item.get("is_yanked")
    ]
    return audit


def read_pip_audit(text: str) -> tuple[int, list[str], list[dict[str, str]]]:
    """Return from the JSON of pip-audit how many packages were looked up, which were not, and what is known."""
    looked, missed, known = 0, [], []
    for entry in json.loads(text)["dependencies"]:
        if "skip_reason" in entry:
            missed.append(str(entry["name"]))
            continue
        looked += 1
        known += [
            {
                "package": canonicalize_name(entry["name"]),
                "id": next(
                    (alias for alias in [*flaw.get("aliases", ()), flaw["id"]] if alias.startswith("CVE-")), flaw["id"]
                ),
                "affected": f"=={entry['version']}",
                "what": f"mended in {', '.join(flaw.get('fix_versions') or ['no release'])}",
            }
            for flaw in entry["vulns"]
        ]
    return looked, missed, known


def ask_services(versions: Mapping[str, str]) -> tuple[Audit, list[dict[str, str]]]:
    """Ask the services of pip-audit, the next where one does not answer; return what they know."""
    audit = Audit()
    if find_spec("pip_audit") is None:
        audit.notes.append("NOT LOOKED UP: advisories; pip-audit is not installed")
        return audit, []
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "pins.txt")
        listed.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), encoding="utf-8")
        for service in SERVICES:
            command = [sys.executable, "-m", "pip_audit", "--requirement", str(listed), "--no-deps", "--disable-pip"]
            command += ["--vulnerability-service", service, "--format", "json", "--progress-spinner", "off"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
                looked, missed, known = read_pip_audit(done.stdout)
            except (subprocess.TimeoutExpired, ValueError, KeyError):
                looked, missed, known = 0, list(versions), []
            if looked:
                audit.notes.append(
                    f"{looked} packages looked up at the advisory service {service}, {len(missed)} not known there"
                )
                return audit, known
            audit.notes.append(
                f"NOT LOOKED UP: the advisory service {service} answered for none of {len(versions)} packages"
            )
    return audit, []


def run(arguments: argparse.Namespace, today: date) -> int:
    """Do all of it, say it, and return the exit status."""
    exceptions = json.loads((HERE / "dependency_exceptions.json").read_text(encoding="utf-8"))
    recorded = json.loads((HERE / "dependency_advisories.json").read_text(encoding="utf-8"))
    versions = pins()
    parts = [Audit(check_blocked(versions, exceptions["blocked"])), check_installed(exceptions)]
    known = list(recorded["advisories"])
    answered = False
    if not arguments.offline:
        services, theirs = ask_services(versions)
        answered = any("looked up at the advisory service" in note for note in services.notes)
        known += [
            entry for entry in theirs if all((k["package"], k["id"]) != (entry["package"], entry["id"]) for k in known)
        ]
        parts += [services, check_withdrawn(versions)]
    parts.append(check_advisories(versions, known, exceptions["advisories"], today))
    parts.append(Audit(notes=check_floors(known, exceptions["advisories"])))
    parts.append(
        Audit(notes=[f"{len(recorded['advisories'])} recorded advisories, as of {recorded['as_of']}: not complete"])
    )
    for heading, name in (("noted", "notes"), ("accepted", "accepted"), ("FOUND", "findings")):
        for sentence in (sentence for part in parts for sentence in getattr(part, name)):
            print(f"audit_dependencies: {heading}: {sentence}")
    if arguments.require_advisories and not answered:
        print("audit_dependencies: FOUND: no advisory service answered, and one was required")
        return 1
    return 1 if any(part.findings for part in parts) else 0


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--offline", action="store_true", help="ask no service and no index")
    parser.add_argument("--require-advisories", action="store_true", help="fail where no advisory service answers")
    return run(parser.parse_args(), datetime.now(UTC).date())


if __name__ == "__main__":
    sys.exit(main())
