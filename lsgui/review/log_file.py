"""The log file: rotating, and without names of clips, folders or people."""

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from lsgui.core.errors import LsguiError
from lsgui.review.paths import log_dir

_TAGS: dict[str, str] = {}
"""Names of clips that must not reach the log, with what stands there in their place."""

_NAMES: set[str] = set()
"""Names of files and folders that were only listed: they must not reach the log either."""
_SHORTEST_NAME = 4

_CLIP_FILE = re.compile(
    r"(?:[^\s\\/:*?\"<>|'()]+ )*[^\s\\/:*?\"<>|'()]+"
    r"\.(?:dcm|dicom|ima|mp4|m4v|mov|avi|mpe?g|mkv|wmv|webm|gif|png|jpe?g|tiff?|bmp)\b",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?<![\w<])(?:[A-Za-z]:)?(?:[\\/][^\\/:*?\"<>|\r\n']+){2,}")


def clip_tag(path: Path) -> str:
    """Return what a clip is called in the log: a hash of its path, the same every time."""
    tag = f"clip-{hashlib.sha256(str(path).encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    for name in (str(path), path.name, path.stem):
        if len(name) > 2:
            _TAGS[name] = tag
    return tag


def keep_out_of_log(paths: Iterable[Path]) -> None:
    """Let no name of these files and folders reach the log: a file may be named after a patient."""
    for path in paths:
        _NAMES.update(name for name in (path.name, path.stem) if len(name) >= _SHORTEST_NAME)


def names_kept_out() -> set[str]:
    """Return every name that must not reach the log, as far as this program has met it."""
    return {*_TAGS, *_NAMES}


class RedactingFormatter(logging.Formatter):
    """Formats a record without the names of clips that were opened and without folders outside the program."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with its traceback, cleaned."""
        return redacted(super().format(record))


def redacted(text: str) -> str:
    """Return `text` with clip names replaced by their tags, and without paths and names of other clips."""
    for name in sorted(_TAGS, key=len, reverse=True):
        text = text.replace(name, _TAGS[name])
    text = _PATH.sub(lambda match: _shortened(match.group()), text)
    for name in [name for name in tuple(_NAMES) if name in text]:  # another thread may add to them
        text = text.replace(name, "(name left out)")
    return _CLIP_FILE.sub("(file left out)", text)


def _shortened(path: str) -> str:
    parts = re.split(r"[\\/]", path)
    for package in ("lsgui", "site-packages"):
        if package in parts and path.endswith(".py"):
            return "/".join(parts[parts.index(package) :])
    return f".../{parts[-1]}" if path.endswith(".py") else "...(path left out)"


def log_file() -> Path:
    """Return the file that is written now."""
    return log_dir() / "lsgui.log"


def start_log() -> logging.Handler:
    """Write everything that lsgui logs to the log file, 1 MB each and three former ones; return the handler."""
    handler = RotatingFileHandler(
        log_file(), maxBytes=1_000_000, backupCount=3, encoding="utf-8", errors="backslashreplace", delay=True
    )
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s [%(threadName)s] %(message)s"))
    logger = logging.getLogger("lsgui")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return handler


@contextmanager
def fault_log() -> Iterator[Path | None]:
    """Write what is logged meanwhile to the log file and nowhere else; gives None where no log can be written."""
    handler: logging.Handler = logging.NullHandler()
    path: Path | None = None
    try:
        path = log_file()
        with path.open("a", encoding="utf-8"):
            handler = start_log()
    except (OSError, LsguiError):
        path = None
    logging.getLogger("lsgui").addHandler(handler)
    try:
        yield path
    finally:
        logging.getLogger("lsgui").removeHandler(handler)
        handler.close()
