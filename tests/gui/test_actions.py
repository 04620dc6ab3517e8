from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence

from lsgui.gui.action_table import ACTIONS
from lsgui.gui.actions import MENUS
from lsgui.gui.shortcut_sheet import ShortcutSheet

PRODUCT_KEYS = {
    "Space": "play_pause", "Left": "frame_back", "Right": "frame_on", "Shift+Left": "ten_back", "Shift+Right": "ten_on",
    "Home": "first", "End": "last", "[": "mark_a", "]": "mark_b", "L": "loop", "-": "slower", "=": "faster",
    "M": "column_follows", "R": "draw_line", "Shift+R": "suggest", "Return": "analyse", "Esc": "cancel",
    "O": "overlays", "H": "overlay_speckle_change", "A": "label_ls_a", "P": "label_ls_p",
    "U": "label_cannot_assess", "K": "label_lung_point", "N": "next", "B": "previous", "I": "interval",
    "Ctrl+Z": "undo", "Ctrl+Shift+Z": "redo", "Ctrl+E": "export", "F11": "full_screen",
    "F1": "shortcuts", "?": "shortcuts",
}  # fmt: skip


def test_no_key_is_bound_twice():
    keys = Counter(QKeySequence(key).toString() for action in ACTIONS for key in action.keys)
    assert {key: count for key, count in keys.items() if count > 1} == {}


def test_every_key_is_one_that_qt_knows():
    for action in ACTIONS:
        for key in action.keys:
            assert not QKeySequence(key).isEmpty(), (action.id, key)
            assert QKeySequence(key).toString() in (key, {"Enter": "Enter"}.get(key, key)), (action.id, key)


@pytest.mark.parametrize(("key", "action_id"), PRODUCT_KEYS.items())
def test_the_product_keys_are_bound(key, action_id):
    assert [action.id for action in ACTIONS if key in action.keys] == [action_id]


def test_every_command_has_an_own_name_a_menu_a_key_and_a_sentence():
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        assert action.menu in MENUS
        assert action.keys, action.id
        assert action.help.endswith("."), action.id
    assert {action.menu for action in ACTIONS} == set(MENUS)


def test_the_shortcut_sheet_lists_every_command_and_finds_them(qtbot):
    sheet = ShortcutSheet()
    qtbot.addWidget(sheet)
    assert sheet.shown_actions() == [action.id for action in sorted(ACTIONS, key=lambda a: MENUS.index(a.menu))]
    sheet.search.setText("sweep")
    assert sheet.shown_actions() == ["loop"]
    sheet.search.setText("no such command")
    assert sheet.shown_actions() == []
