"""Remembers the window's size and the widths of its columns from one start to the next."""

import logging
from typing import Any, TypeGuard

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QMainWindow, QSplitter

from lsgui.core.errors import LsguiError
from lsgui.gui.columns import Columns
from lsgui.review.json_file import load_json, save_json
from lsgui.review.paths import layout_file

log = logging.getLogger(__name__)

FIRST_SIZE = (1440, 900)


def restore_layout(window: QMainWindow, splitters: dict[str, QSplitter], columns: Columns) -> None:
    """Give the window the size it had; the first time a good one for its screen."""
    saved = _saved()
    if not window.restoreGeometry(QByteArray.fromBase64(str(saved.get("geometry", "")).encode())):
        screen = window.screen().availableGeometry()
        window.resize(min(FIRST_SIZE[0], screen.width()), min(FIRST_SIZE[1], screen.height()))
    sizes = saved.get("splitters", {})
    for name, splitter in splitters.items():
        widths = sizes.get(name) if isinstance(sizes, dict) else None
        if _fit(widths, splitter):
            splitter.setSizes(widths)
    shown = saved.get("columns")
    if isinstance(shown, dict):
        columns.set_wanted(shown)


def save_layout(window: QMainWindow, splitters: dict[str, QSplitter], columns: Columns) -> None:
    """Save size and widths; a folder that cannot be written is no reason to keep the window open."""
    geometry = bytes(window.saveGeometry().toBase64().data()).decode()
    former = _saved().get("splitters", {})
    sizes = {}
    for name, splitter in splitters.items():
        now, before = splitter.sizes(), former.get(name) if isinstance(former, dict) else None
        sizes[name] = now if _fit(now, splitter) or not _fit(before, splitter) else before
    try:
        save_json(layout_file(), {"geometry": geometry, "splitters": sizes, "columns": columns.wanted()})
    except LsguiError:
        log.info("the window's layout was not saved", exc_info=True)


def _fit(widths: Any, splitter: QSplitter) -> TypeGuard[list[int]]:
    """Return whether these are widths of columns that are all shown: one that is hidden has none to be remembered."""
    return (
        isinstance(widths, list)
        and len(widths) == splitter.count()
        and all(isinstance(width, int) and width > 0 for width in widths)
    )


def _saved() -> dict[str, Any]:
    try:
        data = load_json(layout_file())
    except LsguiError:
        log.info("the window's layout was damaged and set aside", exc_info=True)
        return {}
    return data if isinstance(data, dict) else {}
