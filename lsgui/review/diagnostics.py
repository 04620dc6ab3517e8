"""The diagnostics bundle: all that helps to find a fault, in one file, without anybody's name. Nothing is sent."""

import io
import json
import logging
import os
import platform
import sqlite3
import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lsgui import __version__
from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import LsguiError
from lsgui.core.reading import StatementKind
from lsgui.review.crash_file import crash_files
from lsgui.review.diagnostics_names import names_and_paths
from lsgui.review.leave_out import LEFT_OUT, NamesLeftOut
from lsgui.review.log_file import log_file
from lsgui.review.machine_facts import machine_facts
from lsgui.review.paths import audit_file, labels_file, sessions_dir, settings_file
from lsgui.review.settings import Settings, load_settings, setting_rules

log = logging.getLogger(__name__)

_COUNTS = {
    "history": "SELECT count(*) FROM history",
    "clips": "SELECT count(*) FROM clips",
    "verdicts": "SELECT count(*) FROM verdicts",
    "masks": "SELECT count(*) FROM masks",
}
_KINDS = "SELECT kind, count(*) FROM history GROUP BY kind"

README = """Diagnostics of lsgui. Nothing was sent: this file is yours to look into and to pass on, or not.

versions.json   the program, Python and its libraries
machine.json    system, processor, memory, free space, graphics card
settings.json   the preferences; texts and paths only as "set" or "empty"
models.json     every model with the hash of its card and of its weights as they are
audit.json      whether the audit log is whole (lsgui audit verify), and how long it is
stores.json     schema version, check and number of rows of the annotation stores
window.json     what the window was doing, where it was asked from the window
log/, crashes/  the log and the crash files once more, with names left out

Left out: patients, raters, names of files and folders, the user and the machine, hashes of clips, and whatever a fault
said about a file. What was left out stands as "(left out)". Look through the log before you pass it on all the same.
"""


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """What a window knows that nobody else does; texts of the program's own only.

    Attributes
    ----------
    facts
        By name: counts, phases and versions.
    paths
        Files and folders that are open, to be left out of everything.
    """

    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    paths: tuple[Path, ...] = ()


def write_diagnostics(out: Path, window: WindowFacts | None = None) -> tuple[str, ...]:
    """Write the bundle, in one step, and return the names of its parts.

    A part that cannot be had says why in its place: what is broken is what the bundle is for.

    Raises
    ------
    LsguiError
        When the file cannot be written.
    """
    shown = window or WindowFacts()
    names, paths = names_and_paths()
    left_out = NamesLeftOut(names, (*paths, *shown.paths, out.absolute()))
    parts: dict[str, str] = {"README.txt": README}
    for name, make in _makers(shown).items():
        parts[f"{name}.json"] = json.dumps(_cleaned(_tried(make), left_out), indent=1, ensure_ascii=False) + "\n"
    try:
        parts |= {name: _text(file, left_out) for name, file in _texts().items()}
    except OSError as fault:
        parts["log/none.txt"] = f"The folder of the log cannot be read ({fault.strerror}).\n"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in parts.items():
            bundle.writestr(name, text.encode("utf-8", "replace"))
    try:
        write_atomic(out, held.getvalue())
    except OSError as fault:
        raise LsguiError(f"{out} cannot be written ({fault.strerror}): choose another place.") from fault
    return tuple(parts)


def _makers(window: WindowFacts) -> dict[str, Callable[[], Any]]:
    return {
        "versions": _versions,
        "machine": machine_facts,
        "settings": _settings,
        "models": _models,
        "audit": _audit,
        "stores": _stores,
        "window": lambda: {**window.facts, "windows that are open or were killed": _marks()},
    }


def _tried(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as fault:  # a part that fails is a finding, and no reason to have none of the others
        log.info("a part of the diagnostics failed", exc_info=True)
        return {"fault": type(fault).__name__}


def _cleaned(value: Any, left_out: NamesLeftOut) -> Any:
    """Return plain JSON whose texts name nobody."""
    if isinstance(value, str):
        return left_out.without_names(value)
    if isinstance(value, Mapping):
        return {str(key): _cleaned(item, left_out) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item, left_out) for item in value]
    return value


def _texts() -> dict[str, Path]:
    """Return the log and the crash files, by their names in the bundle."""
    current = log_file()
    former = [current.with_name(f"{current.name}.{number}") for number in range(1, 4)]
    texts = {f"log/{file.name}": file for file in (current, *former) if file.exists()}
    return texts | {f"crashes/{file.name}": file for file in crash_files()}


def _text(file: Path, left_out: NamesLeftOut) -> str:
    try:
        return left_out.log_without_names(file.read_text("utf-8", "replace"))
    except OSError as fault:
        return f"This file cannot be read ({fault.strerror}).\n"


def _versions() -> dict[str, Any]:
    try:
        wanted = {part.split(";")[0].split("[")[0] for part in requires("lsgui") or () if "extra ==" not in part}
    except PackageNotFoundError:
        wanted = set()
    libraries = {}
    for part in sorted({part.lower() for part in wanted} | {"torch", "pyside6-essentials", "numpy"}):
        name = "".join(letter if letter.isalnum() or letter in "-_." else " " for letter in part).split()[0]
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            libraries[name] = "not installed"
    return {
        "lsgui": __version__,
        "python": platform.python_version(),
        "packed": bool(getattr(sys, "frozen", False)),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "libraries": libraries,
        "variables that are set": sorted(name for name in os.environ if name.startswith(("LSGUI_", "QT_", "OMP_"))),
    }


def _loaded_settings() -> Settings:
    file = settings_file()
    return load_settings(file) if file.exists() else Settings()


def _settings() -> dict[str, Any]:
    said: dict[str, Any] = {}
    rules = setting_rules()
    for name, value in asdict(_loaded_settings()).items():
        free = isinstance(value, str) and not rules[name].choices and not rules[name].source
        said[name] = ("set" if value else "empty") if free else value
    if said["model_id"] not in {card["id"] for card in _models() if card.get("shipped")}:
        said["model_id"] = "one of the user's own"
    return said


def _models() -> list[dict[str, Any]]:
    from lsgui.models.card import hash_file, scan_cards

    cards, faults = scan_cards()
    said: list[dict[str, Any]] = []
    for number, card in enumerate(cards.values(), start=1):
        weights = card.weights_path
        actual = hash_file(weights) if weights.is_file() else ""
        said.append(
            {
                "id": card.id if card.shipped else f"own model {number}",
                "version": card.version if card.shipped else LEFT_OUT,
                "shipped": card.shipped,
                "architecture": card.architecture,
                "parameters": card.parameters,
                "sha256 of the card": card.sha256,
                "sha256 of the weights": actual,
                "weights are those of the card": actual == card.sha256,
            }
        )
    return [*said, *({"fault": "a card that cannot be read"} for _ in faults)]


def _audit() -> dict[str, Any]:
    from lsgui.annotation.audit_log import AuditLog

    try:
        with AuditLog(audit_file(), reading=True) as opened:
            report = opened.verify()
    except LsguiError as fault:
        return {"entries": None, "faults": [str(fault)]}
    return {"entries": report.entries, "whole": not report.faults, "faults": list(report.faults)}


def _stores() -> dict[str, Any]:
    own, settings = labels_file(), _tried(_loaded_settings)
    stores = {"own labels": own}
    project = settings.store_file.strip() if isinstance(settings, Settings) else ""
    if project and Path(project) != own:
        stores["annotation project"] = Path(project)
    return {name: _store(file) if file.is_file() else "not there" for name, file in stores.items()}


def _store(file: Path) -> dict[str, Any]:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)) as store:
            tables = {row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            counts = {name: store.execute(_COUNTS[name]).fetchone()[0] for name in _COUNTS if name in tables}
            kinds = store.execute(_KINDS).fetchall() if "history" in tables else []
            return {
                "schema version": store.execute("PRAGMA user_version").fetchone()[0],
                "quick check": str(store.execute("PRAGMA quick_check").fetchone()[0])[:200],
                "bytes": file.stat().st_size,
                "rows": counts,
                "statements": {str(kind): count for kind, count in kinds if str(kind) in set(StatementKind)},
            }
    except sqlite3.Error as fault:
        return {"fault": type(fault).__name__}


def _marks() -> int:
    return sum(1 for _ in sessions_dir().glob("window-*.mark"))
