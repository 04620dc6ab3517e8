"""Whether Qt can open a window here. Qt ends the whole program where it cannot, so this is asked before."""

import ctypes
import os
import sys
from pathlib import Path

import PySide6
from PySide6.QtCore import QLibraryInfo

_NO_DISPLAY = (
    "There is no display to open a window on: start lsgui on a desktop, or use 'lsgui predict', which needs none."
)


def why_no_window() -> str:
    """Return the sentence that says why no window can be opened, or an empty one."""
    if _counts_wrongly(PySide6.__version_info__, sys.version_info):
        return (
            f"PySide6 {PySide6.__version__} ends the program after a while on Python {sys.version_info.major}."
            f"{sys.version_info.minor}: run \"pip install 'PySide6-Essentials<6.12'\", or use Python 3.12 or newer."
        )
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if not sys.platform.startswith("linux") or platform not in ("", "xcb"):
        return ""
    if os.environ.get("WAYLAND_DISPLAY") and not platform:
        return ""
    if not os.environ.get("DISPLAY"):
        return _NO_DISPLAY
    plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms" / "libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as fault:
        library = str(fault).split(":", 1)[0]
        return (
            f"Qt cannot open a window, the system library {library} is missing: "
            "'python3 packaging/bootstrap.py run' installs it or names the command that does."
        )
    return "" if _display_answers() else _NO_DISPLAY


def _counts_wrongly(qt: tuple[object, ...], python: tuple[object, ...]) -> bool:
    """PySide6 6.12.0 returns None, True and False without counting the reference, which only Python 3.12 forgives.

    Measured: 200 calls of a function without result lower the count of None by 200; Python 3.11 aborts at zero.
    """
    return tuple(qt[:3]) == (6, 12, 0) and tuple(python[:2]) < (3, 12)


def _display_answers() -> bool:
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    refused = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not refused
