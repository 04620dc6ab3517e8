"""Colours, type and spacing of the window: one set of tokens, dark and light, and the style sheet made from them."""

from dataclasses import dataclass
from string import Template
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPalette, QPixmap, QPixmapCache
from PySide6.QtWidgets import QApplication, QWidget

from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.resources import resources_dir

ThemeChoice = Literal["system", "dark", "light"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme as #rrggbb; every text colour is readable (4.5:1) on background, panel and raised."""

    name: Literal["dark", "light"]
    background: str
    panel: str
    raised: str
    hover: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    present: str
    absent: str
    unsure: str
    warning: str
    field: str
    """Behind what can be typed into."""
    clip: str = "#000000"
    """Behind the clip: black in every theme, because grey values are judged against it."""


DARK = Tokens(
    name="dark",
    background="#0c0f13",
    panel="#14181f",
    raised="#1b2129",
    hover="#232b35",
    line="#262d37",
    text="#e8ecf2",
    muted="#8a94a3",
    accent="#46b8da",
    on_accent="#04212b",
    present="#35b79a",
    absent="#f0923c",
    unsure="#a48be0",
    warning="#e6c27a",
    field="#0c0f13",
)
LIGHT = Tokens(
    name="light",
    background="#e9edf2",
    panel="#f6f8fa",
    raised="#ffffff",
    hover="#e3e9f0",
    line="#cdd5df",
    text="#161b22",
    muted="#56606e",
    accent="#0a6c8f",
    on_accent="#ffffff",
    present="#08705a",
    absent="#994a05",
    unsure="#6844b8",
    warning="#7a5600",
    field="#ffffff",
)

SPACE = 4
"""Spacing goes in steps of this many pixels."""
RADIUS = 6
CONTROL_HEIGHT = 30
LABEL_BUTTON_HEIGHT = 40
SIZE_SMALL, SIZE_TEXT, SIZE_LARGE, SIZE_TITLE = 11, 12, 16, 20
"""Type sizes in pixels."""

_in_use: list[Tokens] = [DARK]


def tokens() -> Tokens:
    """Return the colours in use. Widgets that paint themselves ask at paint time; a theme change repaints them."""
    return _in_use[0]


def verdict_colour(label: SlidingLabel | ReaderLabel | None) -> str:
    """Return the colour of a verdict or a reader's label; muted for none."""
    names = {"ls_p": "present", "ls_a": "absent", "cannot_assess": "unsure", "lung_point": "accent"}
    return str(getattr(tokens(), names[label.value])) if label is not None else tokens().muted


def text_font(size: int = SIZE_TEXT, *, bold: bool = False) -> QFont:
    """Return the system's family at `size` pixels with figures of one width."""
    font = QFont(QApplication.font())
    font.setPixelSize(size)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def apply_theme(app: QApplication, choice: ThemeChoice) -> None:
    """Dress the whole application; "system" follows the desktop's own setting."""
    schemes = {
        "dark": Qt.ColorScheme.Dark,
        "light": Qt.ColorScheme.Light,
        "system": Qt.ColorScheme.Unknown,
    }
    hints = app.styleHints()
    hints.setColorScheme(schemes[choice])
    light = choice == "light" or (choice == "system" and hints.colorScheme() == Qt.ColorScheme.Light)
    _in_use[0] = LIGHT if light else DARK
    app.setPalette(_palette(tokens()))
    app.setFont(text_font())
    app.setStyleSheet(stylesheet(tokens()))


def set_look(widget: QWidget, look: str) -> None:
    """Give a widget a look of the style sheet, or another one: "card", "primary", "muted", "heading", "chip"..."""
    if widget.property("look") == look:
        return
    widget.setProperty("look", look)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def icon(name: str, colour: str | None = None, size: int = 18) -> QIcon:
    """Return an icon of `resources/icons` in a colour, its disabled form in the muted one."""
    out = QIcon()
    out.addPixmap(icon_pixmap(name, colour or tokens().text, size))
    out.addPixmap(icon_pixmap(name, tokens().line, size), QIcon.Mode.Disabled)
    return out


def icon_pixmap(name: str, colour: str, size: int = 18) -> QPixmap:
    """Return an icon of `resources/icons` as a picture, sharp at 200 % scale."""
    key = f"lsgui-{name}-{colour}-{size}"
    pixmap = QPixmap()
    if QPixmapCache.find(key, pixmap):
        return pixmap
    svg = (resources_dir() / "icons" / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    svg = svg.replace('width="24" height="24"', f'width="{size * 2}" height="{size * 2}"', 1)
    pixmap.loadFromData(svg.encode("utf-8"), "SVG")
    pixmap.setDevicePixelRatio(2.0)
    QPixmapCache.insert(key, pixmap)
    return pixmap


def _palette(look: Tokens) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: look.panel,
        QPalette.ColorRole.WindowText: look.text,
        QPalette.ColorRole.Base: look.background,
        QPalette.ColorRole.AlternateBase: look.panel,
        QPalette.ColorRole.Text: look.text,
        QPalette.ColorRole.PlaceholderText: look.muted,
        QPalette.ColorRole.Button: look.raised,
        QPalette.ColorRole.ButtonText: look.text,
        QPalette.ColorRole.ToolTipBase: look.raised,
        QPalette.ColorRole.ToolTipText: look.text,
        QPalette.ColorRole.Highlight: look.accent,
        QPalette.ColorRole.HighlightedText: look.on_accent,
        QPalette.ColorRole.Link: look.accent,
        QPalette.ColorRole.Accent: look.accent,
        QPalette.ColorRole.Mid: look.line,
        QPalette.ColorRole.Dark: look.line,
        QPalette.ColorRole.Light: look.hover,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(look.muted))
    return palette


def stylesheet(look: Tokens) -> str:
    """Return the style sheet of the application in the colours of `look`."""
    values = {name: str(getattr(look, name)) for name in Tokens.__slots__}
    values["icons"] = (resources_dir() / "icons").as_posix()
    return Template(_SHEET).substitute(values, radius=RADIUS, control=CONTROL_HEIGHT - 2)


_SHEET = """
QMainWindow, QDialog { background: $panel; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 4px 6px; }
QMenuBar { background: $panel; color: $text; border-bottom: 1px solid $line; padding: 2px 8px; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; color: $text; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 24px; border-radius: 4px; }
QMenu::item:selected { background: $hover; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QStatusBar { background: $panel; color: $muted; border-top: 1px solid $line; }
QStatusBar::item { border: none; }
QSplitter::handle { background: $line; }
QSplitter::handle:hover { background: $accent; }
QScrollArea, QScrollArea > QWidget > QWidget[look="column"] { background: $panel; border: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar::handle:vertical { background: $line; border-radius: 4px; min-height: 32px; margin: 1px; }
QScrollBar::handle:vertical:hover { background: $muted; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle:horizontal { background: $line; border-radius: 4px; min-width: 32px; margin: 1px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QPushButton, QToolButton { background: $raised; color: $text; border: 1px solid $line; border-radius: ${radius}px;
  min-height: ${control}px; padding: 0 10px; }
QToolButton { padding: 0 6px; }
QPushButton:hover, QToolButton:hover { background: $hover; border-color: $muted; }
QPushButton:pressed, QToolButton:pressed { background: $line; }
QPushButton:focus, QToolButton:focus { border-color: $accent; }
QPushButton:disabled, QToolButton:disabled { color: $muted; background: $panel; border-color: $line; }
QPushButton:checked, QToolButton:checked { border-color: $accent; color: $accent; }
QPushButton[look="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[look="primary"]:hover { background: $accent; border-color: $text; }
QPushButton[look="primary"]:disabled { background: $raised; color: $muted; border-color: $line; }
QPushButton[look="flat"], QToolButton[look="flat"] { background: transparent; border-color: transparent; }
QPushButton[look="flat"]:hover, QToolButton[look="flat"]:hover { background: $hover; }
QPushButton[look="flat"]:focus, QToolButton[look="flat"]:focus { border-color: $accent; }
QPushButton[look="link"] { background: transparent; border: none; color: $accent; padding: 0; text-align: left;
  min-height: 22px; }
QPushButton[look="link"]:hover, QPushButton[look="link"]:focus { text-decoration: underline; }
QToolButton::menu-indicator { image: none; width: 0; }
QFrame[look="card"] { background: $raised; border: 1px solid $line; border-radius: 8px; }
QFrame[look="bar"] { background: $panel; border: none; border-top: 1px solid $line; }
QFrame[look="notice"] { background: $raised; border: none; border-bottom: 1px solid $line;
  border-left: 3px solid $warning; }
QFrame[look="column"], QWidget[look="column"] { background: $panel; }
QWidget[look="stage"], QFrame[look="stage"] { background: $background; }
QLabel[look="muted"] { color: $muted; }
QLabel[look="small"] { color: $muted; font-size: 11px; }
QLabel[look="heading"] { color: $muted; font-size: 11px; font-weight: 600; letter-spacing: 1px; }
QLabel[look="large"] { font-size: 16px; font-weight: 600; }
QLabel[look="title"] { font-size: 20px; font-weight: 600; }
QLabel[look="present"] { color: $present; }
QLabel[look="absent"] { color: $absent; }
QLabel[look="unsure"] { color: $unsure; }
QLabel[look="warning"] { color: $warning; }
QLabel[look="key"] { color: $muted; border: 1px solid $line; border-radius: 4px; padding: 1px 5px; font-size: 11px;
  background: $panel; }
QListView { background: $panel; border: none; outline: none; }
QListWidget::item { padding: 0 10px; border-radius: ${radius}px; color: $text; }
QListWidget::item:hover { background: $raised; }
QListWidget::item:selected { background: $hover; color: $accent; }
QProgressBar { background: $line; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QSlider { min-height: 18px; }
QSlider::groove:horizontal { height: 4px; background: $line; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::sub-page:horizontal:disabled { background: $line; }
QSlider::handle:horizontal { background: $text; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { background: $accent; }
QSlider::handle:horizontal:disabled { background: $muted; }
QToolButton[look="corner"] { background: transparent; border: none; color: $muted; min-height: 20px;
  padding: 0 8px; }
QToolButton[look="corner"]:hover, QToolButton[look="corner"]:focus { color: $accent; }
QPlainTextEdit { background: $field; color: $text; border: 1px solid $line; border-radius: 4px; padding: 0 4px;
  selection-background-color: $accent; selection-color: $on_accent; }
QPlainTextEdit:focus { border-color: $accent; }
QPlainTextEdit:disabled { color: $muted; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { background: $field; color: $text; border: 1px solid $line;
  border-radius: 4px; padding: 0 8px; min-height: ${control}px; selection-background-color: $accent;
  selection-color: $on_accent; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus { border-color: $accent; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow, QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url("$icons/chevron-down.svg");
  width: 12px; height: 12px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url("$icons/chevron-up.svg"); width: 12px; height: 12px; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {
  border: none; width: 20px; background: transparent; }
QComboBox QAbstractItemView { background: $raised; color: $text; border: 1px solid $line; }
QTabWidget::pane { border: 1px solid $line; border-radius: 4px; background: $panel; top: -1px; }
QTabBar::tab { background: transparent; color: $muted; padding: 8px 14px; border: none;
  border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:focus { color: $accent; }
QTableWidget { background: $panel; border: none; gridline-color: $line; }
QCheckBox { spacing: 8px; min-height: ${control}px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $muted; border-radius: 3px;
  background: $background; }
QCheckBox::indicator:hover, QCheckBox:focus::indicator { border-color: $accent; }
QCheckBox::indicator:checked { border-color: $accent; background: $accent; image: url("$icons/check.svg"); }
QCheckBox:disabled { color: $muted; }
QCheckBox::indicator:disabled { border-color: $line; background: $panel; }
"""
