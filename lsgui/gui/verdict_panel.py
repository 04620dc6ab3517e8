"""The verdict card, the button that asks for it, and the evidence under it.

Looks of the style sheet used here (`theme.set_look`): "heading", "card", "muted", "small", "warning", "primary".
The colour of the words and of the card's left edge follows the verdict and is painted here.
"""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from lsgui.core.prediction import Prediction
from lsgui.gui.key_button import KeyButton
from lsgui.gui.probability_bar import ProbabilityBar
from lsgui.gui.theme import LABEL_BUTTON_HEIGHT, SIZE_LARGE, SIZE_TITLE, SPACE, icon_pixmap, set_look, text_font, tokens
from lsgui.gui.verdict_content import Tone, VerdictContent, verdict_content, worker_sentence
from lsgui.gui.verdict_notes import NotesColumn, OpinionsRow, clear_layout, tone_colour
from lsgui.inference.verdict_words import evidence_rows, footer_lines
from lsgui.review.state import AnalysisPhase, ReviewState, Worker

_ICON = 22


class EdgeCard(QFrame):
    """A card with a coloured left edge."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_look(self, "card")
        self.tone: Tone = "none"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card of the style sheet, then its edge."""
        super().paintEvent(event)
        if self.tone == "none":
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), 8, 8)
        painter.setClipPath(shape)
        painter.fillRect(QRectF(0, 0, 4, self.height()), QColor(tone_colour(self.tone)))
        painter.end()


class EvidenceRow(QWidget):
    """A name on the left and its value on the right; a long value wraps, the name does not."""

    def __init__(self, name: str, value: str, explanation: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3 * SPACE)
        left, right = QLabel(name), QLabel(value)
        set_look(left, "muted")
        right.setWordWrap(True)
        right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        row.addWidget(left, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(right, 1)
        self.setToolTip(explanation)


class VerdictPanel(QWidget):
    """Shows the verdict in the order in which it is read: words, extent, number, flags, evidence."""

    analyseAsked = Signal()
    cancelAsked = Signal()
    drawAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._content: VerdictContent | None = None
        self._state: ReviewState | None = None
        self._words_colour = tokens().text
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        column.addWidget(_heading("VERDICT"))
        column.addWidget(self._make_card())
        column.addLayout(self._make_ask())
        self._evidence_heading = _heading("EVIDENCE")
        self._evidence_heading.setContentsMargins(0, 2 * SPACE, 0, 0)  # it belongs to what follows, not to the button
        column.addWidget(self._evidence_heading)
        self._evidence = QFrame()
        set_look(self._evidence, "card")
        self._rows = QVBoxLayout(self._evidence)
        self._rows.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        self._rows.setSpacing(SPACE)
        column.addWidget(self._evidence)

    def sizeHint(self) -> QSize:
        """Return the width at which no word of the evidence is cut."""
        return QSize(288, super().sizeHint().height())

    # Building

    def _make_card(self) -> EdgeCard:
        self._card = EdgeCard()
        self._card.setAccessibleName("Verdict")
        column = QVBoxLayout(self._card)
        column.setContentsMargins(4 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        column.setSpacing(SPACE)
        self._chip = QLabel()
        self._chip.setWordWrap(True)
        set_look(self._chip, "warning")
        column.addWidget(self._chip)
        row = QHBoxLayout()
        row.setSpacing(2 * SPACE)
        self._sign = QLabel()
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        self._words = QLabel()
        self._words.setWordWrap(True)
        row.addWidget(self._words, 1)
        column.addLayout(row)
        self._line = QLabel()
        self._line.setWordWrap(True)
        set_look(self._line, "muted")
        column.addWidget(self._line)
        self._bar = ProbabilityBar()
        column.addWidget(self._bar)
        self._source = QLabel()
        self._source.setWordWrap(True)
        set_look(self._source, "small")
        column.addWidget(self._source)
        self._opinions = OpinionsRow()
        column.addWidget(self._opinions)
        self._notes = NotesColumn()
        column.addWidget(self._notes)
        self._foot = QLabel()
        self._foot.setWordWrap(True)
        set_look(self._foot, "small")
        column.addWidget(self._foot)
        return self._card

    def _make_ask(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(SPACE)
        self._progress = QProgressBar()
        self._progress.setRange(0, 1000)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName("Progress of the analysis")
        column.addWidget(self._progress)
        self._button = KeyButton("Analyse", "Enter", look="primary", height=LABEL_BUTTON_HEIGHT, spread=False)
        self._button.setToolTip("Analyse the clip along the pleural line  (Enter)")
        self._button.clicked.connect(self._on_button_clicked)
        column.addWidget(self._button)
        self._draw = KeyButton("Draw the line", "R", look="primary", height=LABEL_BUTTON_HEIGHT, spread=False)
        self._draw.setToolTip("Draw along the pleural line on the clip  (R)")
        self._draw.clicked.connect(self.drawAsked)
        column.addWidget(self._draw)
        self._cancel = KeyButton("Cancel", "Esc", height=LABEL_BUTTON_HEIGHT, spread=False)
        self._cancel.setToolTip("Stop the analysis  (Esc)")
        self._cancel.clicked.connect(self.cancelAsked)
        column.addWidget(self._cancel)
        self._worker = QLabel()
        self._worker.setWordWrap(True)
        set_look(self._worker, "small")
        column.addWidget(self._worker)
        return column

    # Rendering

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        self._state = new
        if old is None or _verdict_differs(old, new):
            self._show(new)
        elif old.analysis is not new.analysis:
            self._show_progress(new)
        if old is None or old.worker != new.worker:
            self._show_worker(new)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        if event.type() == QEvent.Type.PaletteChange and self._state is not None:
            self._show(self._state)
        super().changeEvent(event)

    def _show(self, state: ReviewState) -> None:
        content = self._content = verdict_content(state)
        colour = tokens().text if content.tone == "none" else tone_colour(content.tone)
        self._card.tone = content.tone
        self._card.update()
        self._card.setAccessibleDescription(_spoken(content))
        _say(self._chip, content.chip)
        self._sign.setVisible(bool(content.icon))
        if content.icon:
            self._sign.setPixmap(icon_pixmap(content.icon, colour, _ICON))
        _say(self._words, content.words)
        self._words_colour = colour
        self._fit_words()
        _say(self._line, content.line)
        self._bar.set_prediction(content.prediction)
        self._show_source(content.prediction)
        self._opinions.set_opinions(content.opinions)
        self._notes.set_notes(content.notes, advice=content.tone == "unsure")
        self._show_evidence(content.prediction, state.worker)
        self._show_buttons(content)
        self._show_progress(state)

    def _fit_words(self) -> None:
        """Set the words as large as they fit on one line, from 20 down to 16 pixels."""
        largest = SIZE_TITLE if self._content is not None and self._content.prediction is not None else SIZE_LARGE
        room = self.width() - 7 * SPACE - _ICON - 2 * SPACE - 4
        size = largest
        while (
            size > SIZE_LARGE and QFontMetricsF(text_font(size, bold=True)).horizontalAdvance(self._words.text()) > room
        ):
            size -= 1
        self._words.setStyleSheet(f"color: {self._words_colour}; font-size: {size}px; font-weight: 600;")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Set the words anew for the width."""
        self._fit_words()
        super().resizeEvent(event)

    def _show_progress(self, state: ReviewState) -> None:
        running = state.analysis.phase is AnalysisPhase.RUNNING
        self._progress.setVisible(running)
        if running:
            self._progress.setValue(round(1000 * state.analysis.fraction))
            _say(self._line, f"{state.analysis.stage or 'Starting'} …")

    def _show_buttons(self, content: VerdictContent) -> None:
        asks = content.ask
        self._button.set_words(content.button if asks == "analyse" else "Analyse")
        self._button.setVisible(asks in ("analyse", "none"))
        self._button.setEnabled(asks == "analyse")
        self._draw.setVisible(asks == "draw")
        self._cancel.setVisible(asks == "cancel")

    def _show_worker(self, state: ReviewState) -> None:
        _say(self._worker, worker_sentence(state))

    def _show_source(self, prediction: Prediction | None) -> None:
        if prediction is None:
            _say(self._source, "")
            _say(self._foot, "")
            return
        source = prediction.threshold_source.rstrip(".")
        _say(self._source, f"Threshold {prediction.threshold:.2f}: {source}." if source else "")
        _say(self._foot, "\n".join(footer_lines(prediction)))

    def _show_evidence(self, prediction: Prediction | None, worker: Worker) -> None:
        clear_layout(self._rows)
        self._evidence.setVisible(prediction is not None)
        self._evidence_heading.setVisible(prediction is not None)
        if prediction is None:
            return
        device = worker.device_name if worker.device == prediction.device else ""
        for name, value, explanation in evidence_rows(prediction, device):
            self._rows.addWidget(EvidenceRow(name, value, explanation))

    def _on_button_clicked(self) -> None:
        if self._content is not None and self._content.ask == "analyse":
            self.analyseAsked.emit()


def _verdict_differs(old: ReviewState, new: ReviewState) -> bool:
    """Return whether the card says something else; progress alone is no reason to lay it out again."""
    phases = (old.clip is None) != (new.clip is None) or (
        old.clip is not None
        and new.clip is not None
        and (old.clip.phase is not new.clip.phase or old.clip.path != new.clip.path)
    )
    return (
        phases
        or old.analysis.phase is not new.analysis.phase
        or old.analysis.prediction is not new.analysis.prediction
        or old.analysis.stale != new.analysis.stale
        or old.analysis.message != new.analysis.message
        or (old.roi is None) != (new.roi is None)
        or old.roi_phase is not new.roi_phase
        or old.verdict_hidden != new.verdict_hidden
    )


def _spoken(content: VerdictContent) -> str:
    """Return what a screen reader says of the card."""
    sides = [f"{side.judge}: {side.word}, {side.number}." for side in content.opinions]
    return " ".join([content.words, content.line, *sides, *content.notes])


def _heading(words: str) -> QLabel:
    label = QLabel(words)
    set_look(label, "heading")
    return label


def _say(label: QLabel, words: str) -> None:
    label.setText(words)
    label.setVisible(bool(words))
