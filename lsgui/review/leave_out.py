"""Leaves out of a text whoever and whatever could be recognised by it: people, machine, files and folders."""

import getpass
import platform
import re
from collections.abc import Iterable
from pathlib import Path

from lsgui.review.log_file import redacted

LEFT_OUT = "(left out)"

_SHORTEST, _LONGEST_NUMBER = 3, 5
_ORDINARY = frozenset({
    "absent", "admin", "administrator", "analysis", "appdata", "application", "audit", "cache", "clip", "clips",
    "closed", "critical", "data", "demo", "desktop", "device", "dicom", "documents", "downloads", "error", "errors",
    "exports", "false", "file", "files", "folder", "folders", "frame", "frames", "home", "image", "images", "info",
    "jpeg", "json", "labels", "library", "line", "linux", "local", "localhost", "log", "logs", "lsgui", "lung",
    "main", "model", "models", "motion", "movie", "movies", "mpeg", "none", "open", "opening", "patient",
    "patients", "pleura", "point", "present", "pulse", "python", "reading", "results", "roaming", "root",
    "safetensors", "series", "sessions", "settings", "share", "sliding", "sqlite", "study", "support", "temp",
    "test", "tests", "thread", "tiff", "true", "ultrasound", "user", "users", "video", "videos", "warning", "webm",
    "window", "windows", "work", "worker",
})  # fmt: skip
"""Words that name nobody, and that the program's own texts are full of."""

_WORD = re.compile(r"[^\W_]+")
_RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+ \[")
_STACK = re.compile(
    r"\s*File \"|\s*Traceback \(most recent call last\)|During handling of|The above exception was|and then$"
    r"|(?:Current thread|Thread) 0x|Fatal Python error|Windows fatal exception|Extension modules:|\s*$|\s+[~^]+\s*$"
    r"|  \[Previous line repeated|  <no Python frame>|Last lines of the log|No stack could be noted|  \.\.\.$"
)
_FAULT = re.compile(
    r"\s*((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit|Group|Iteration))\b(?::.*)?$"
)
_CLIP = re.compile(r"\bclip-[0-9a-f]{8}\b")
_FACT = re.compile(r"[a-z][a-z ]*: ")
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|«[^»\n]*»|“[^”\n]*”")


class NamesLeftOut:
    """Takes names out of texts.

    Parameters
    ----------
    names
        What must not be found in a text, whole or as words of it; ordinary words of the program are passed over.
    paths
        Files and folders whose every part counts as a name.
    """

    def __init__(self, names: Iterable[str] = (), paths: Iterable[Path] = ()) -> None:
        wanted = set(names) | _own_names()
        for path in paths:
            for part in path.parts:
                wanted |= {part, Path(part).stem}
        self._tags: dict[str, int] = {}
        self._names: list[tuple[str, frozenset[str]]] = []
        self._words: set[str] = set()
        """Words of names by which somebody could be recognised alone."""
        for name in sorted({name.strip() for name in wanted}, key=len, reverse=True):
            words = frozenset(_WORD.findall(name.lower()))
            if (len(name) >= _SHORTEST or not name.isascii()) and not all(map(_is_ordinary, words)):
                self._names.append((name, words))
                self._words |= {word for word in words - _ORDINARY if len(word) > _longest_common(word)}

    def without_names(self, text: str) -> str:
        """Return a text without the names."""
        held = set(_WORD.findall(text.lower()))
        for name, words in self._names:
            if held >= words:
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", LEFT_OUT, text, flags=re.IGNORECASE)
        if held.isdisjoint(self._words):
            return text
        return _WORD.sub(lambda found: LEFT_OUT if found.group().lower() in self._words else found.group(), text)

    def log_without_names(self, text: str) -> str:
        """Return a log or a stack without names: records and frames stay, what faults say of files goes."""
        kept = "\n".join(_line_kept(line) for line in redacted(text).splitlines()) + "\n"
        return self.without_names(_CLIP.sub(lambda tag: self._number_of(tag.group()), kept))

    def _number_of(self, tag: str) -> str:
        """Return a number for the tag of a clip: who guesses a path could tell its tag."""
        return f"clip #{self._tags.setdefault(tag, len(self._tags) + 1)}"


def _is_ordinary(word: str) -> bool:
    """Return whether a word names nobody: one of the program's own, a letter, or a number such as that of a clip."""
    return word in _ORDINARY or len(word) < 2 or (word.isdecimal() and len(word) <= _SHORTEST)


def _longest_common(word: str) -> int:
    """Return up to which length a word is too common to be left out alone: a year, an ending, an article."""
    if not word.isascii():
        return 1
    return _LONGEST_NUMBER if word.isdecimal() else _SHORTEST


def _own_names() -> set[str]:
    """Return what this machine and its user are called."""
    names = set(Path.home().parts)
    for ask in (getpass.getuser, platform.node):
        try:
            names.add(ask())
        except (OSError, KeyError, ImportError):  # nobody by that number: there is no name to leave out
            continue
    return names


def _line_kept(line: str) -> str:
    """Return what is kept of a line of a log: the words of the program, without what was quoted or said of a file."""
    fault = _FAULT.match(line)
    if fault is not None:
        return fault.group(1)
    if _RECORD.match(line) or _FACT.match(line):
        return _QUOTED.sub(LEFT_OUT, line)
    if _STACK.match(line) or line.startswith("    "):
        return line
    return LEFT_OUT
