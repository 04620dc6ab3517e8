"""The preferences, made from the fields of `Settings`: a new field is a new row."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
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

from lsgui.review.settings import Settings

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
        for name, field in Settings.model_fields.items():
            self._add_row(name, field)
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

    def _add_row(self, name: str, field: FieldInfo) -> None:
        extra = _extra(field)
        editor = self._editor(name, field, extra)
        self.editors[name] = editor
        editor.setToolTip(field.description or "")
        editor.setAccessibleName(field.title or name)
        sentence = QLabel(field.description or "")
        sentence.setProperty("look", "small")
        sentence.setWordWrap(True)
        cell = QVBoxLayout()
        cell.setSpacing(2)
        cell.addWidget(editor)
        cell.addWidget(sentence)
        self._page(str(extra.get("group", "Other"))).addRow(field.title or name, cell)

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

    def _editor(self, name: str, field: FieldInfo, extra: Mapping[str, Any]) -> QWidget:
        value, kind = getattr(self._settings, name), field.annotation
        choices = self._choices.get(str(extra.get("from")))
        if get_origin(kind) is Literal:
            words = extra.get("choices", {})
            choices = {str(option): str(words.get(option, option)) for option in get_args(kind)}
        if choices is not None:
            return self._list(name, value, choices)
        if kind is bool:
            box = QCheckBox("On", self)
            box.setChecked(value)
            box.toggled.connect(lambda on: self._edit(name, on))
            return box
        if kind in (int, float):
            return self._number(name, field, extra)
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

    def _number(self, name: str, field: FieldInfo, extra: Mapping[str, Any]) -> QWidget:
        low, high = _range(field)
        suffix, step, value = str(extra.get("suffix", "")), extra.get("step", 1), getattr(self._settings, name)
        if field.annotation is int:
            whole = QSpinBox(self)
            whole.setRange(int(low), int(high))
            whole.setSingleStep(int(step))
            whole.setSuffix(suffix)
            whole.setValue(value)
            whole.valueChanged.connect(lambda number: self._edit(name, number))
            return whole
        number = QDoubleSpinBox(self)
        number.setRange(low, high)
        number.setDecimals(2)
        number.setSingleStep(float(step))
        number.setSuffix(suffix)
        number.setValue(value)
        number.valueChanged.connect(lambda value: self._edit(name, value))
        return number

    def _edit(self, name: str, value: object) -> None:
        try:
            edited = Settings.model_validate({**self._settings.model_dump(), name: value})
        except ValidationError:
            title = Settings.model_fields[name].title or name
            self._fault.setText(f"{title}: this is not a value that can be used; the former one stays.")
            self._fault.show()
            return
        self._fault.hide()
        self._settings = edited
        self.settingsEdited.emit(edited)

    def _on_defaults_clicked(self) -> None:
        for name, field in Settings.model_fields.items():
            setter = _SETTERS[type(self.editors[name])]
            setter(self.editors[name], field.default)
        self._settings = Settings()
        self.settingsEdited.emit(self._settings)


_SETTERS: dict[type, Callable[[Any, Any], object]] = {
    QCheckBox: lambda box, value: box.setChecked(value),
    QComboBox: lambda box, value: box.setCurrentIndex(box.findData(value)),
    QSpinBox: lambda box, value: box.setValue(value),
    QDoubleSpinBox: lambda box, value: box.setValue(value),
    QLineEdit: lambda line, value: line.setText(value),
}


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _range(field: FieldInfo) -> tuple[float, float]:
    low = next((rule.ge for rule in field.metadata if hasattr(rule, "ge")), 0.0)
    high = next((rule.le for rule in field.metadata if hasattr(rule, "le")), 1e9)
    return float(low), float(high)
