"""How heat maps are drawn, chosen in the window: the button, the keys, and that it is remembered."""

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from evidence_samples import analysed, motion_map
from evidence_samples import review as state_with_line
from PySide6.QtCore import Qt
from window_samples import press, until

from lsgui.gui.heat_menu import HeatMenu
from lsgui.review.heat_style import COLOUR_WORDS, SCALE_WORDS, WINDOW_WORDS, HeatStyle
from lsgui.review.state import ReviewState


@pytest.fixture
def menu(qtbot: Any) -> HeatMenu:
    menu = HeatMenu()
    qtbot.addWidget(menu)
    return menu


def test_the_menu_offers_every_choice_and_ticks_the_one_that_holds(menu: HeatMenu) -> None:
    asked: list[tuple[str, str]] = []
    menu.choiceMade.connect(lambda name, value: asked.append((name, value)))
    texts = {action.text(): action for action in menu.menu().actions()}
    for name, words in (("heat_window", WINDOW_WORDS), ("heat_colours", COLOUR_WORDS), ("heat_scale", SCALE_WORDS)):
        for value, text in words.items():
            texts[text].trigger()
            assert asked[-1] == (name, value)
    menu.apply(None, replace(ReviewState(), heat=HeatStyle("viridis", "second", "fixed")))
    ticked = {text for text, action in texts.items() if action.isChecked()}
    assert ticked == {COLOUR_WORDS["viridis"], WINDOW_WORDS["second"], SCALE_WORDS["fixed"]}
    assert "1 s" in menu.text()


def test_a_scale_can_be_held_only_where_there_is_a_map(menu: HeatMenu) -> None:
    hold = menu.menu().actions()[-1]
    menu.apply(None, state_with_line())
    assert not hold.isEnabled()
    mapped = state_with_line(analysis=analysed(maps=MappingProxyType({"flow": motion_map("flow")})))
    menu.apply(None, mapped)
    assert hold.isEnabled()
    menu.apply(mapped, replace(mapped, held_scales=MappingProxyType({("flow", "mm/s"): (0.0, 4.0)})))
    assert hold.isChecked()
    assert "scale held" in menu.text()


def test_its_words_never_widen_the_column(review: Any, qtbot: Any) -> None:
    panel = review.window.overlay_panel
    before = panel.minimumSizeHint().width()
    held = replace(
        review.controller.state,
        heat=HeatStyle(window="clip"),
        held_scales=MappingProxyType({("flow", "mm/s"): (0.0, 4.0)}),
    )
    panel.apply(None, held)
    assert panel.minimumSizeHint().width() == before


def test_keys_choose_and_the_choice_is_remembered(review: Any, qtbot: Any, home: Path) -> None:
    press(review, Qt.Key.Key_T)
    press(review, Qt.Key.Key_C)
    press(review, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert review.controller.state.heat == HeatStyle("viridis", "half", "clip")
    saved = json.loads((home / "settings" / "settings.json").read_text())
    assert (saved["heat_window"], saved["heat_colours"], saved["heat_scale"]) == ("half", "viridis", "clip")
    for _ in range(3):
        press(review, Qt.Key.Key_T)
    assert review.controller.state.heat.window == "moment"


def test_one_heat_map_replaces_the_other(review: Any, qtbot: Any) -> None:
    press(review, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)

    def shown() -> set[str]:
        return {n for n in ("speckle_change", "flow") if review.controller.state.overlays[n].shown}

    assert shown() == {"flow"}
    press(review, Qt.Key.Key_H)
    until(qtbot, lambda: shown() == {"speckle_change"})
    assert review.window.overlay_panel._switches["speckle_change"].isChecked()
    assert not review.window.overlay_panel._switches["flow"].isChecked()
