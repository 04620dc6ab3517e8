"""Labels as JSON: the whole history, every statement with its uid, so that stores of several machines can be merged.

The file is `{"format": "lsgui labels", "version": 1, "statements": [...], "clips": [...], "verdicts": [...],
"masks": [...]}`; each entry has the fields of its noun (`core.reading.Statement`, `annotation.clip_facts`). Reading it
twice adds nothing.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lsgui.annotation.clip_facts import ApprovedMask, ClipFacts, StoredVerdict, moment_text
from lsgui.annotation.exchange import LabelFormat, Labels, bare_file_name
from lsgui.annotation.value_check import value_fault
from lsgui.core import plain_file
from lsgui.core.errors import LsguiError
from lsgui.core.reading import Statement

FORMAT = "lsgui labels"
VERSION = 1

_TABLES: dict[str, TypeAdapter[Any]] = {
    "statements": TypeAdapter(Statement),
    "clips": TypeAdapter(ClipFacts),
    "verdicts": TypeAdapter(StoredVerdict),
    "masks": TypeAdapter(ApprovedMask),
}
_HASH = re.compile(r"[0-9a-f]{64}")
_UID = re.compile(r"[0-9a-f]{32}")


def to_json(labels: Labels) -> str:
    """Return labels as the text of a JSON file, one entry a line."""
    tables = {
        "statements": labels.statements,
        "clips": labels.clips,
        "verdicts": labels.verdicts,
        "masks": labels.masks,
    }
    parts = [f'"format": {json.dumps(FORMAT)}', f'"version": {VERSION}']
    for name, entries in tables.items():
        lines = ",\n".join("  " + json.dumps(as_mapping(entry), ensure_ascii=False) for entry in entries)
        parts.append(f'"{name}": [\n{lines}\n]' if lines else f'"{name}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read_json(path: Path) -> Labels:
    """Read a file that `to_json` made.

    Raises
    ------
    LsguiError
        One sentence that names the file and the entry.
    """
    data = load_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise LsguiError(f"{path.name} holds no labels of lsgui: export them again, or name another --format.")
    version = data.get("version")
    if not isinstance(version, int) or version < 1:
        raise LsguiError(f"{path.name} does not say the version of its form: export it again.")
    if version > VERSION:
        raise LsguiError(f"{path.name} was written by a newer lsgui: update this one to read it.")
    for name, table in _TABLES.items():
        data[name] = _entries(path, name, table, data.get(name, []))
    labels = Labels(data["statements"], data["clips"], data["verdicts"], data["masks"])
    return checked_labels(path, labels)


def checked_labels(path: Path, labels: Labels) -> Labels:
    """Return labels that came from elsewhere, each statement of the form that its kind asks for.

    Raises
    ------
    LsguiError
        One sentence that names the file and the first statement that is not.
    """
    return replace(labels, statements=tuple(_checked(path, labels.statements)))


def load_json(path: Path) -> Any:
    """Return what a JSON file holds; LsguiError where it cannot be read or is none."""
    try:
        return plain_file.read_json(path)
    except OSError as fault:
        raise LsguiError(f"{path.name}: the labels cannot be read ({fault.strerror}).") from fault
    except ValueError as fault:
        raise LsguiError(f"{path.name} is not a JSON file ({fault}): export it again.") from fault


def json_format(path: Path) -> LabelFormat:
    """Return what a JSON file holds, whatever its name: labels of this program, a metafile, or annotations of CVAT.

    Raises
    ------
    LsguiError
        When it cannot be read or is no JSON file.
    """
    data = load_json(path)
    first = data[0] if isinstance(data, list) and data else data
    if isinstance(first, dict) and "video_name" in first:
        return LabelFormat.METAFILE
    if isinstance(first, dict) and "shapes" in first:
        return LabelFormat.CVAT
    return LabelFormat.JSON


def as_mapping(entry: Any) -> dict[str, Any]:
    """Return a statement, facts, a verdict or a mask as a mapping of plain JSON."""
    return {part.name: _plain(getattr(entry, part.name)) for part in fields(entry)}


def _plain(value: Any) -> Any:
    return moment_text(value) if isinstance(value, datetime) else value


def _entries(path: Path, name: str, entry: TypeAdapter[Any], data: Any) -> tuple[Any, ...]:
    """Return the entries of a table; they are read one by one, as pydantic would gather the faults of millions."""
    if not isinstance(data, list):
        raise LsguiError(f"{path.name}, {name}: it is no list: export it again.")
    found = []
    for number, item in enumerate(data, start=1):
        try:
            found.append(entry.validate_python(item))
        except ValidationError as fault:
            first = fault.errors()[0]
            field = ", ".join(str(part) for part in first["loc"])
            said = f"{field}: {first['msg']}" if field else first["msg"]
            raise LsguiError(f"{path.name}, entry {number} of {name}: {said}: export it again.") from fault
    return tuple(found)


def _checked(path: Path, statements: Iterable[Statement]) -> Iterable[Statement]:
    for number, said in enumerate(statements, start=1):
        fault = value_fault(said.kind, said.value, said.subject)
        if not _UID.fullmatch(said.uid) or not _HASH.fullmatch(said.content_hash):
            fault = "uid and content_hash are 32 and 64 hexadecimal digits"
        elif not said.rater.strip() or said.sitting < 1:
            fault = "a statement has a rater, and a sitting from 1 up"
        elif said.said_at.tzinfo is None:
            fault = "said_at has no time zone"
        if fault:
            raise LsguiError(f"{path.name}, entry {number} of statements: {fault}: nothing was taken over.")
        yield replace(said, file_name=bare_file_name(said.file_name), rater=said.rater.strip())
