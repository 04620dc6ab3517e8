"""Where settings, log and labels of this user lie. `LSGUI_HOME` replaces all of them, which isolates tests."""

import os
from pathlib import Path

import platformdirs

APP = "lsgui"


def _folder(name: str, otherwise: str) -> Path:
    home = os.environ.get("LSGUI_HOME")
    folder = Path(home) / name if home else Path(otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settings_file() -> Path:
    """Return the file with the user's settings."""
    return _folder("settings", platformdirs.user_config_dir(APP, appauthor=False)) / "settings.json"


def recent_file() -> Path:
    """Return the file with the recently opened clips and folders."""
    return settings_file().with_name("recent.json")


def layout_file() -> Path:
    """Return the file with the window's size and the widths of its columns."""
    return settings_file().with_name("window.json")


def worklists_file() -> Path:
    """Return the file with what was listed of each folder, and where its reader left."""
    return settings_file().with_name("worklists.json")


def cache_file() -> Path:
    """Return the file with what can be found out again: pictures for the worklist, fingerprints, groups."""
    return _folder("cache", platformdirs.user_cache_dir(APP, appauthor=False)) / "worklist.sqlite"


def log_dir() -> Path:
    """Return the folder of the log files."""
    return _folder("log", platformdirs.user_log_dir(APP, appauthor=False))


def fingerprints_file() -> Path:
    """Return the file that remembers which file is which clip."""
    return labels_file().with_name("fingerprints.json")


def labels_file() -> Path:
    """Return the SQLite file with every label ever saved."""
    return _folder("data", platformdirs.user_data_dir(APP, appauthor=False)) / "labels.sqlite"


def audit_file() -> Path:
    """Return the SQLite file with every verdict and override, in a chain that shows what was changed."""
    return labels_file().with_name("audit.sqlite")


def sessions_dir() -> Path:
    """Return the folder with the marks of the windows that are open, and of those that were killed."""
    return labels_file().with_name("sessions")


def crashes_dir() -> Path:
    """Return the folder of the crash files."""
    folder = log_dir() / "crashes"
    folder.mkdir(exist_ok=True)
    return folder


def exports_dir() -> Path:
    """Return the folder that exports go to unless another is chosen; it is made when something is written there."""
    home = os.environ.get("LSGUI_HOME")
    return (Path(home) if home else Path(platformdirs.user_documents_dir())) / "lsgui exports"
