import dataclasses

import pytest
from PySide6.QtWidgets import QApplication, QPushButton

from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.resources import resources_dir
from lsgui.gui import theme

TEXTS = ("text", "muted", "accent", "present", "absent", "unsure", "warning")
GROUNDS = ("background", "panel", "raised")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_formula_knows_black_on_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("look", [theme.DARK, theme.LIGHT], ids=lambda look: look.name)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_text_is_readable_on_every_ground(look, ground, text):
    assert contrast(getattr(look, text), getattr(look, ground)) >= 4.5


@pytest.mark.parametrize("look", [theme.DARK, theme.LIGHT], ids=lambda look: look.name)
def test_the_primary_button_is_readable(look):
    assert contrast(look.on_accent, look.accent) >= 4.5


def test_the_dark_tokens_are_those_of_the_design():
    assert (theme.DARK.background, theme.DARK.panel, theme.DARK.raised) == ("#0c0f13", "#14181f", "#1b2129")
    assert (theme.DARK.present, theme.DARK.absent, theme.DARK.unsure) == ("#35b79a", "#f0923c", "#a48be0")


def test_the_style_sheet_uses_every_token_it_names_and_leaves_none_open():
    for look in (theme.DARK, theme.LIGHT):
        sheet = theme.stylesheet(look)
        assert "$" not in sheet
        assert look.accent in sheet


@pytest.mark.parametrize("choice", ["dark", "light", "system"])
def test_a_theme_dresses_the_application(qapp, choice):
    try:
        theme.apply_theme(qapp, choice)
        assert theme.tokens().name in ((choice,) if choice != "system" else ("dark", "light"))
        assert qapp.palette().window().color().name() == theme.tokens().panel
    finally:
        theme.apply_theme(qapp, "dark")
        qapp.setStyleSheet("")


def test_every_icon_is_drawn_in_its_colour(qapp):
    for file in sorted((resources_dir() / "icons").glob("*.svg")):
        image = theme.icon_pixmap(file.stem, "#46b8da", 18).toImage()
        assert image.width() == 36, file.name
        pixels = {image.pixelColor(x, y).alpha() for x in range(36) for y in range(36)}
        assert max(pixels) > 200, file.name


def test_every_label_has_a_colour_of_its_own(qapp):
    colours = [theme.verdict_colour(label) for label in ReaderLabel]
    assert len(set(colours)) == len(colours)
    assert theme.verdict_colour(None) == theme.tokens().muted
    assert theme.verdict_colour(SlidingLabel.LS_A) == theme.tokens().absent


def test_controls_are_tall_enough_to_hit(qtbot, qapp):
    theme.apply_theme(qapp, "dark")
    try:
        button = QPushButton("Analyse")
        qtbot.addWidget(button)
        button.show()
        assert button.height() >= theme.CONTROL_HEIGHT
    finally:
        qapp.setStyleSheet("")


def test_tokens_are_colours():
    for look in (theme.DARK, theme.LIGHT):
        for name, value in dataclasses.asdict(look).items():
            assert name == "name" or (value[0] == "#" and len(value) == 7), name
    assert isinstance(QApplication.font().family(), str)
