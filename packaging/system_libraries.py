"""The shared libraries that Qt expects from a Linux system, found by loading them, and how to install what is missing.

The table is what `readelf -d` names for Qt's Core, Gui, Widgets, DBus and XcbQpa libraries and its xcb plugin.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable

TO_IMPORT = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libzstd.so.1": "libzstd1",
}
"""Needed to import Qt at all, with or without a screen: library and its Debian package."""

TO_SHOW = TO_IMPORT | {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""Needed to put a window on an X screen."""


def loads(library: str) -> bool:
    """Return whether the system finds and loads a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages(table: dict[str, str], loads: Callable[[str], bool] = loads) -> list[str]:
    """Return the packages of a table whose libraries do not load, each once; none on systems other than Linux."""
    if not sys.platform.startswith("linux"):
        return []
    return list(dict.fromkeys(package for library, package in table.items() if not loads(library)))


def install_command(packages: Iterable[str]) -> str:
    """Return the one command that a person types to install packages on Debian or Ubuntu."""
    return "sudo apt-get update && sudo apt-get install -y --no-install-recommends " + " ".join(packages)


def provide(packages: list[str], say: Callable[[str], None]) -> bool:
    """Install packages where that is allowed, or say how; return whether all of them are there now.

    Parameters
    ----------
    packages
        Debian packages that are missing.
    say
        Takes one sentence for the person at the terminal.
    """
    if not packages:
        return True
    if shutil.which("apt-get") is None:
        say("system packages are missing here; on Debian they are called " + ", ".join(packages) + ".")
        return False
    if os.geteuid() != 0:
        say("system packages are missing. Install them with this command:")
        say("  " + install_command(packages))
        return False
    say("Installing system packages: " + " ".join(packages))
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *command], env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), check=False
        )
    if done.returncode != 0:
        say("The system packages could not be installed. With an internet connection, run:")
        say("  " + install_command(packages))
    return done.returncode == 0


if __name__ == "__main__":  # `sudo python3 packaging/system_libraries.py` where only this part needs rights
    raise SystemExit(0 if provide(missing_packages(TO_SHOW), lambda words: print(words, file=sys.stderr)) else 1)
