"""What diagnostics must not hold: every name that this program has met, from wherever it is kept."""

import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from lsgui.review.log_file import names_kept_out
from lsgui.review.paths import labels_file, recent_file, sessions_dir, settings_file
from lsgui.review.session_snapshot import load_snapshot

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
    sessions = [load_snapshot(file) for file in sessions_dir().glob("window-*.json")]
    names: set[str] = set()
    paths: set[Path] = set()
    for session in sessions:
        if session is not None:
            names |= {statement.rater for statement in session.unsaved}
            paths |= {*session.paths, *(path for path, _ in session.lines)}
            paths |= {*(statement.path for statement in session.unsaved)}
            paths |= {path for path in (session.clip, session.store) if path is not None}
    return names, paths


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


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
