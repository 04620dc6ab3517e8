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
    names, paths = set(names_kept_out()), {Path.home(), labels_file().parent}
    settings = _read(settings_file())
    stores = {labels_file()}
    if isinstance(settings, dict):
        names.add(str(settings.get("rater", "")))
        for given in ("store_file", "raft_weights"):
            if settings.get(given):
                paths.add(Path(str(settings[given])))
        if settings.get("store_file"):
            stores.add(Path(str(settings["store_file"])))
    recent = _read(recent_file())
    paths |= {Path(entry) for entry in recent if isinstance(entry, str)} if isinstance(recent, list) else set()
    for file in sessions_dir().glob("window-*.json"):
        paths |= _paths_of_session(_read(file))
    for store in stores:
        names |= _names_of_store(store)
    return {Path(name).stem for name in names} | names, paths


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
