"""What diagnostics must not hold: every name that this program has met, from wherever it is kept."""

import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from lsgui.review.log_file import names_kept_out
from lsgui.review.paths import labels_file, recent_file, sessions_dir, settings_file

log = logging.getLogger(__name__)


def names_and_paths() -> tuple[set[str], set[Path]]:
    """Return the names of raters and clips, and the files and folders, that this program has met."""
    names, paths = set(names_kept_out()), {Path.home()}
    for ask in (_of_settings, _of_recent, _of_sessions):
        try:
            more, where = ask()
        except OSError:
            log.info("names are looked for elsewhere", exc_info=True)
            continue
        names |= more
        paths |= where
    return {Path(name).stem for name in names} | names, paths


def _of_settings() -> tuple[set[str], set[Path]]:
    """Return the reader and files of the preferences, and whom and what the annotation stores name."""
    settings = _read(settings_file())
    said = settings if isinstance(settings, dict) else {}
    files = {Path(str(said[name])) for name in ("store_file", "raft_weights") if said.get(name)}
    names = {str(said.get("rater", ""))}
    for store in {labels_file(), Path(str(said.get("store_file") or labels_file()))}:
        names |= _names_of_store(store)
    return names, {labels_file().parent, *files}


def _of_recent() -> tuple[set[str], set[Path]]:
    recent = _read(recent_file())
    return set(), {Path(entry) for entry in recent if isinstance(entry, str)} if isinstance(recent, list) else set()


def _of_sessions() -> tuple[set[str], set[Path]]:
    found = [_paths_of_session(_read(file)) for file in sessions_dir().glob("window-*.json")]
    return set(), set().union(*found)


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _paths_of_session(said: Any) -> set[Path]:
    if not isinstance(said, dict):
        return set()
    entries = [*(said.get("paths") or ()), said.get("clip"), said.get("store")]
    entries += [line[0] for line in said.get("lines") or () if isinstance(line, list) and line]
    return {Path(entry) for entry in entries if isinstance(entry, str)}


def _names_of_store(file: Path) -> set[str]:
    """Return the raters and the names of clips in a store, whatever else is wrong with it."""
    queries = (
        "SELECT DISTINCT rater FROM history",
        "SELECT DISTINCT file_name FROM history",
        "SELECT DISTINCT file_name FROM clips",
        "SELECT DISTINCT file_name FROM verdicts",
        "SELECT DISTINCT approved_by FROM masks",
    )
    found: set[str] = set()
    if not file.is_file():
        return found
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)) as store:
            for query in queries:
                found |= {str(row[0]) for row in store.execute(query)}
    except sqlite3.Error:
        log.info("the names in a store cannot be read", exc_info=True)
    return found
