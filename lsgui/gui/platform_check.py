"""Whether Qt can open a window here. Qt ends the whole program where it cannot, so this is asked before."""

import ctypes
import os
import sys
from pathlib import Path

from PySide6.QtCore import QLibraryInfo

_NO_DISPLAY = (
    "There is no display to open a window on: start lsgui on a desktop, or use 'lsgui predict', which needs none."
)


def why_no_window() -> str:
    """Return the sentence that says why no window can be opened, or an empty one."""
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


def _display_answers() -> bool:
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    refused = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not refused
