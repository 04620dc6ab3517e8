"""The preferences, made from the fields of `Settings`: a new field is a new row."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from lsgui.review.settings import SettingError, SettingRule, Settings, setting_rules

Choices = Mapping[str, Mapping[str, str]]
"""Lists that are only known at run time, by name: value to words ("models")."""


class SettingsDialog(QDialog):
    """Shows every setting with its help sentence; a change is checked by `Settings` itself and takes effect at once."""

    settingsEdited = Signal(object)

    def __init__(self, settings: Settings, choices: Choices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setMinimumWidth(460)
        self._settings = settings
        self._choices = choices
        self.editors: dict[str, QWidget] = {}
        self._pages: dict[str, QFormLayout] = {}
        self._tabs = QTabWidget(self)
        for name, rule in setting_rules().items():
            if rule.shown:
                self._add_row(name, rule)
        self._fault = QLabel(self)
        self._fault.setProperty("look", "warning")
        self._fault.setWordWrap(True)
        self._fault.hide()
        buttons = QDialogButtonBox(self)
        buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        defaults = buttons.addButton("Defaults", QDialogButtonBox.ButtonRole.ResetRole)
        defaults.clicked.connect(self._on_defaults_clicked)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self._tabs)
        column.addWidget(self._fault)
        column.addWidget(buttons)

    def _add_row(self, name: str, rule: SettingRule) -> None:
        editor = self._editor(name, rule)
        self.editors[name] = editor
        editor.setToolTip(rule.description)
        editor.setAccessibleName(rule.title)
        sentence = QLabel(rule.description)
        sentence.setProperty("look", "small")
        sentence.setWordWrap(True)
        cell = QVBoxLayout()
        cell.setSpacing(2)
        cell.addWidget(editor)
        cell.addWidget(sentence)
        self._page(rule.group).addRow(rule.title, cell)

    def _page(self, group: str) -> QFormLayout:
        if group not in self._pages:
            page = QWidget()
            form = QFormLayout(page)
            form.setContentsMargins(12, 16, 12, 12)
            form.setHorizontalSpacing(24)
            form.setVerticalSpacing(12)
            self._pages[group] = form
            self._tabs.addTab(page, group)
        return self._pages[group]

    def _editor(self, name: str, rule: SettingRule) -> QWidget:
        value = getattr(self._settings, name)
        choices = self._choices.get(rule.source, rule.choices)
        if choices:
            return self._list(name, value, choices)
        if isinstance(value, bool):
            box = QCheckBox("On", self)
            box.setChecked(value)
            box.toggled.connect(lambda on: self._edit(name, on))
            return box
        if isinstance(value, int | float):
            return self._number(name, rule)
        line = QLineEdit(str(value), self)
        line.textEdited.connect(lambda text: self._edit(name, text))
        return line

    def _list(self, name: str, value: str, choices: Mapping[str, str]) -> QComboBox:
        box = QComboBox(self)
        for option, words in choices.items():
            box.addItem(words, option)
        if box.findData(value) < 0:
            box.addItem(f"{value} (not here)", value)
        box.setCurrentIndex(box.findData(value))
        box.currentIndexChanged.connect(lambda index: self._edit(name, box.itemData(index)))
        return box

    def _number(self, name: str, rule: SettingRule) -> QWidget:
        value = getattr(self._settings, name)
        if isinstance(getattr(Settings(), name), int):
            whole = QSpinBox(self)
            whole.setRange(int(rule.low), int(rule.high))
            whole.setSingleStep(int(rule.step))
            whole.setSuffix(rule.suffix)
            whole.setValue(value)
            whole.valueChanged.connect(lambda number: self._edit(name, number))
            return whole
        number = QDoubleSpinBox(self)
        number.setRange(rule.low, rule.high)
        number.setDecimals(2)
        number.setSingleStep(rule.step)
        number.setSuffix(rule.suffix)
        number.setValue(value)
        number.valueChanged.connect(lambda value: self._edit(name, value))
        return number

    def _edit(self, name: str, value: object) -> None:
        try:
            changed: dict[str, Any] = {name: value}
            edited = replace(self._settings, **changed)
        except SettingError:
            title = setting_rules()[name].title
            self._fault.setText(f"{title}: this is not a value that can be used; the former one stays.")
            self._fault.show()
            return
        self._fault.hide()
        self._settings = edited
        self.settingsEdited.emit(edited)

    def _on_defaults_clicked(self) -> None:
        hidden = {name: getattr(self._settings, name) for name, rule in setting_rules().items() if not rule.shown}
        defaults = Settings(**hidden)
        for name, editor in self.editors.items():
            _SETTERS[type(editor)](editor, getattr(defaults, name))
        self._settings = defaults
        self.settingsEdited.emit(self._settings)


_SETTERS: dict[type, Callable[[Any, Any], object]] = {
    QCheckBox: lambda box, value: box.setChecked(value),
    QComboBox: lambda box, value: box.setCurrentIndex(box.findData(value)),
    QSpinBox: lambda box, value: box.setValue(value),
    QDoubleSpinBox: lambda box, value: box.setValue(value),
    QLineEdit: lambda line, value: line.setText(value),
}
