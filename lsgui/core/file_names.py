"""File names as files have them: on a line for people, in a text file, in a table, and as the name of a new file.

On Linux a name is any bytes but `/` and NUL; Python gives those that are no UTF-8 as lone surrogates (PEP 383), which
no text file, no store and no terminal takes. Line ends and signs that turn the direction of writing would let a name
write more than itself.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)\s*(\..*)?", re.IGNORECASE)
_NO_CHARACTER = re.compile("[\ud800-\udfff]")
_NOT_EVERYWHERE = re.compile(r'[<>:"/\\|?*]')
_OPEN_FILES = Path("/proc/self/fd")

LONGEST_BYTES = 180
"""Of a name that the program makes: file systems take 255, and a temporary name beside it is longer."""


def text_name(name: str) -> str:
    """Return a name as text that any file takes: a byte that is no Unicode is written as `%E9`."""
    return _NO_CHARACTER.sub(lambda sign: f"%{ord(sign[0]) & 0xFF:02X}", name)


def shown_name(name: str) -> str:
    """Return a name for a sentence or a terminal: one line, nothing in it but what it shows."""
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else "?" for sign in name)


def one_line(sentence: str) -> str:
    """Return a sentence without what would break or colour the line that it stands on."""
    return shown_name(" ".join(sentence.split()))


def as_cell(text: str) -> str:
    """Return text as a cell of a table that no spreadsheet takes for a formula (OWASP, "CSV Injection").

    An apostrophe goes before it, which `from_cell` takes off again.
    """
    return text_name(f"'{text}" if _FORMULA.match(text) else text)


def from_cell(cell: str) -> str:
    """Return what `as_cell` was given, as far as a text file can hold it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def fitting_name(name: str, ending: str = "") -> str:
    """Return the name of a new file called after another: one that every system takes, with `ending` behind it.

    A name that is too long is cut and told apart by its hash.
    """
    plain = shown_name(_NOT_EVERYWHERE.sub("_", text_name(name))).replace("?", "_").rstrip(". ") or "_"
    if _RESERVED.fullmatch(plain) or plain.startswith(("-", "~")):
        plain = f"_{plain}"
    if len((plain + ending).encode()) > LONGEST_BYTES:
        mark = f"~{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
        room = LONGEST_BYTES - len((mark + ending).encode())
        plain = plain.encode()[:room].decode("utf-8", "ignore") + mark
    return plain + ending


@contextmanager
def native_name(path: Path) -> Iterator[str | None]:
    """Give a name under which a native library may open a file; None where there is none.

    Such a library takes text in UTF-8 and falls over other names: those are opened here and handed on by number.
    """
    whole = str(path.absolute())
    if text_name(whole) == whole:
        yield whole
        return
    if not _OPEN_FILES.is_dir():
        yield None
        return
    with path.open("rb") as file:
        yield os.fspath(_OPEN_FILES / str(file.fileno()))
