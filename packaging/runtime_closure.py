"""What lsgui brings along: every distribution that it needs to run here, followed through their requirements."""

import base64
import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
NATIVE = re.compile(r"\.(so(\.[\w.]+)?|pyd|dll|dylib)$")
_MARK = re.compile(r"[-.][0-9a-f]{8}(?=[-.]|$)|^lib")
_VERSION = re.compile(r"\.so\.([\d.]+\w?)$|-(\d[\d.]*\d)\.(?:dll|so|dylib)")


@dataclass(frozen=True, slots=True)
class NativeLibrary:
    """A shared library that a wheel carries beside its own code.

    Attributes
    ----------
    name, version
        As its file name tells; an empty version where it does not.
    file
        Its path in the wheel.
    sha256
        As the wheel's list of files gives it.
    """

    name: str
    version: str
    file: str
    sha256: str


def normal(name: str) -> str:
    """Return a distribution's name as package indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for() -> list[Requirement]:
    """Return what `pyproject.toml` asks for, as it stands, for this system or another."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(text) for text in project["dependencies"]]


def runtime_closure() -> dict[str, Distribution]:
    """Return the distributions that lsgui needs to run here, without itself, by their normal names.

    Raises
    ------
    PackageNotFoundError
        When one that is needed is not installed.
    """
    found: dict[str, Distribution] = {}
    waiting = [(r.name, frozenset(r.extras)) for r in asked_for() if r.marker is None or r.marker.evaluate()]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop(0)
        if (normal(name), extras) in seen:
            continue
        seen.add((normal(name), extras))
        found.setdefault(normal(name), distribution(name))
        waiting += [(wanted.name, frozenset(wanted.extras)) for wanted in needed(found[normal(name)], extras)]
    return dict(sorted(found.items()))


def needed(installed: Distribution, extras: frozenset[str] = frozenset()) -> Iterator[Requirement]:
    """Yield the requirements of a distribution that hold on this system."""
    for text in installed.requires or ():
        wanted = Requirement(text)
        surroundings = [{**default_environment(), "extra": extra} for extra in (*extras, "")]
        if wanted.marker is None or any(wanted.marker.evaluate(around) for around in surroundings):
            yield wanted


def licence_of(installed: Distribution) -> str:
    """Return what a distribution says of its licence: an SPDX expression where it gives one, else its own words."""
    metadata = installed.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    prefix = "License :: OSI Approved :: "
    classified = [text for text in metadata.get_all("Classifier") or () if text.startswith("License ::")]
    if classified:
        return " AND ".join(sorted(text.removeprefix(prefix).removeprefix("License :: ") for text in classified))
    words = str(metadata.get("License") or "").strip().splitlines()
    return words[0][:80] if words else ""


def native_libraries(installed: Distribution) -> list[NativeLibrary]:
    """Return the shared libraries of others that a wheel carries beside its package, in `<name>.libs` or such."""
    found = []
    for file in installed.files or ():
        if not NATIVE.search(file.name) or not any(".libs" in part or part == ".dylibs" for part in file.parts[:-1]):
            continue
        told = _VERSION.search(file.name)
        version = "" if told is None else next(part for part in told.groups() if part)
        stem = _MARK.sub("", re.split(r"\.(?:so|dll|dylib)", file.name)[0])
        digest = "" if file.hash is None or file.hash.mode != "sha256" else hexadecimal(file.hash.value)
        found.append(NativeLibrary(stem.strip("-._") or file.name, version, file.as_posix(), digest))
    return sorted(found, key=lambda library: library.file)


def hexadecimal(value: str) -> str:
    """Return a hash from a wheel's list of files (URL-safe Base64 without padding) as hexadecimal digits."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()


def changed_files(installed: Distribution, most_bytes: int) -> list[str]:
    """Return the files of a distribution that are not what its list of files says; larger ones are passed over."""
    wrong = []
    for file in installed.files or ():
        if file.hash is None or file.hash.mode != "sha256" or file.name.endswith(".pyc"):
            continue
        path = Path(str(file.locate()))
        try:
            if path.stat().st_size > most_bytes:
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            wrong.append(f"{file.as_posix()} (missing)")
            continue
        if digest != hexadecimal(file.hash.value):
            wrong.append(file.as_posix())
    return wrong
