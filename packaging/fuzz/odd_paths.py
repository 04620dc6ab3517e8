"""Paths that are no file, must not be read, or change while they are read: pipes, devices, circles, odd names."""

import os
import random
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NAMES = {
    "clip": ("x.dcm", "x.mp4", "x.avi", "x.mpeg", "x.gif", "x.mkv", "x", "x.png", "x.txt"),
    "labels": ("x.csv", "x.json", "sliding_metafile.json", "x.cvat.json", "x.sqlite", "x"),
    "line": ("x.json",),
    "table": ("dataset.csv",),
    "settings": ("settings.json",),
    "card": ("model.json",),
    "weights": ("model.safetensors",),
    "checkpoint": ("x.pth",),
    "store": ("x.sqlite",),
}
DEVICES = (
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/full",
    "/dev/stdin",
    "/dev/tty",
    "/proc/kmsg",
    "/proc/self/mem",
)


@dataclass(frozen=True, slots=True)
class OddCase:
    """What opens the path, the path, and what is done meanwhile (see worker.py)."""

    target: str
    path: Path
    act: str = ""


Maker = Callable[[Path, Path, random.Random], str]
"""Makes the odd thing at a path out of a whole file; returns what is to be done meanwhile."""


def pipe(path: Path, whole: Path, lots: random.Random) -> str:
    """A pipe to which nobody writes."""
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
    return ""


def held_pipe(path: Path, whole: Path, lots: random.Random) -> str:
    """A pipe that somebody holds open and never writes to: what a stalled disk looks like."""
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
    return "hold"


def socket_file(path: Path, whole: Path, lots: random.Random) -> str:
    """A socket."""
    if len(os.fsencode(path)) > 100 or not hasattr(socket, "AF_UNIX"):  # the system takes no longer ones
        return pipe(path, whole, lots)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    return ""


def device(path: Path, whole: Path, lots: random.Random) -> str:
    """A link to a device, or to a file that the system makes up."""
    path.symlink_to(lots.choice(DEVICES))
    return ""


def folder(path: Path, whole: Path, lots: random.Random) -> str:
    """A folder with the name of a file; it may hold itself."""
    path.mkdir()
    if lots.random() < 0.5:
        (path / "again").symlink_to(path)
        (path / "f0.png").symlink_to(path / "f0.png")
        if hasattr(os, "mkfifo"):
            os.mkfifo(path / "f1.png")
    return ""


def circle(path: Path, whole: Path, lots: random.Random) -> str:
    """A link that leads to itself, by one or two others."""
    other = path.with_name(f"other{path.suffix}")
    path.symlink_to(lots.choice((path, other)))
    if not other.is_symlink() and not other.exists():
        other.symlink_to(path)
    return ""


def dangling(path: Path, whole: Path, lots: random.Random) -> str:
    """A link to what is not there, or a path below a file."""
    path.symlink_to(lots.choice((path.parent / "gone" / "x", whole / "below", Path("/proc/1/root/x"))))
    return ""


def forbidden(path: Path, whole: Path, lots: random.Random) -> str:
    """A file that may not be read, by somebody who is not root."""
    shutil.copyfile(whole, path)
    path.chmod(lots.choice((0o000, 0o200)))
    return "nobody"


def empty(path: Path, whole: Path, lots: random.Random) -> str:
    """An empty file, or a byte or two of white space."""
    path.write_bytes(lots.choice((b"", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"  ", b"\x00")))
    return ""


def vanishing(path: Path, whole: Path, lots: random.Random) -> str:
    """A file that goes, shrinks or becomes a folder between two times that it is opened."""
    shutil.copyfile(whole, path)
    return f"{lots.choice(('gone', 'cut', 'folder', 'other'))} {lots.choice((1, 1, 2, 3))}"


ODD_NAMES = (
    *(
        "two\nlines{}",
        "tab\there{}",
        "'quotes\"{}",
        "-dash{}",
        "--json{}",
        "%s%n{}",
        "[bold]red{}",
        "..{}",
        " {}",
        "a;b|c&d{}",
    ),
    *(
        "\udcff\udcfe{}",
        "caf\udce9{}",
        "\u202egpj.exe{}",
        "\u202ercl\u202c{}",
        "e\u0301{}",
        "\U0001f9e0{}",
        "=1+1{}",
        "CON{}",
    ),
    *(
        "x" * 240 + "{}",
        "\u00e9" * 110 + "{}",
        "~{}",
        "$HOME{}",
        "a:b{}",
        "\x1b[31mred{}",
        "\x07{}",
        "file:%2e{}",
        "{}.{}",
    ),
)


def named(path: Path, whole: Path, lots: random.Random) -> str:
    """A whole file under a name that nobody expects."""
    return "named"


MAKERS: tuple[Maker, ...] = (
    *(
        pipe,
        held_pipe,
        socket_file,
        device,
        folder,
        circle,
        dangling,
        forbidden,
        empty,
        vanishing,
        vanishing,
        named,
        named,
    ),
)


def make_odd(work: Path, whole: dict[str, list[Path]], lots: random.Random) -> OddCase:
    """Make an odd path in an empty folder; `whole` holds whole files by what opens them."""
    target = lots.choice((*["clip"] * 8, *NAMES))
    maker = lots.choice(MAKERS)
    source = lots.choice(whole.get(target) or next(iter(whole.values())))
    path = work / lots.choice(NAMES[target])
    if target == "card" and maker is named:
        maker = pipe
    if maker in (forbidden, vanishing) and target != "card":
        path = work / f"x{source.suffix}"
    act = maker(path, source, lots)
    if act == "named":
        path = work / lots.choice(ODD_NAMES).replace("{}", source.suffix)
        shutil.copyfile(source, path)
        act = ""
    if act == "nobody":
        work.chmod(0o755)
    return OddCase(target, path, act)


def clear(work: Path) -> None:
    """Make the folder new, whatever is in it."""
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True)


if sys.platform == "win32":  # no pipes, devices or rights of this kind there
    MAKERS = (folder, empty, vanishing, named)
