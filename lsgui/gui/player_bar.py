"""The player bar: ribbon over time, seek bar, buttons, time, rates, speed and loop."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from lsgui.gui.read_lanes import ReadLanes
from lsgui.gui.ribbon_bar import RibbonBar
from lsgui.gui.seek_bar import SeekBar
from lsgui.gui.theme import icon, tokens
from lsgui.review.state import LoadPhase, LoopMode, ReviewState
from lsgui.review.transitions import SPEEDS

_LOOPS = {
    LoopMode.LOOP: ("Loop", "loop", "From the end on to the start"),
    LoopMode.SWEEP: ("Sweep", "sweep", "To and fro"),
    LoopMode.ONCE: ("Once", "once", "Stop at the end"),
}
_RATES_FROM, _FRAME_FROM, _ENDS_FROM, _AB_FROM = 796, 690, 600, 520
"""Widths of the bar from which frame rates, frame number, first and last, and A-B have room."""


class PlayerBar(QFrame):
    """Shows where and how the clip plays; its buttons ask for what the keys do."""

    frameAsked = Signal(int)
    stepAsked = Signal(int)
    playAsked = Signal()
    firstAsked = Signal()
    lastAsked = Signal()
    speedAsked = Signal(float)
    loopAsked = Signal(object)
    markAsked = Signal(str)
    marksCleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "bar")
        self.ribbon = RibbonBar(self)
        self.seek_bar = SeekBar(self)
        self.lanes = ReadLanes(self)
        self.ribbon.frameAsked.connect(self.frameAsked)
        self.seek_bar.frameAsked.connect(self.frameAsked)
        self._time = QLabel(self)
        self._frame = QLabel(self)
        self._frame.setProperty("look", "muted")
        self._rates = QLabel(self)
        self._rates.setProperty("look", "muted")
        self._shown_fps = 0.0
        self._buttons()
        self._lay_out()
        self._theme_name = ""

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        self.ribbon.apply(old, new)
        self.seek_bar.apply(old, new)
        self.lanes.apply(old, new)
        if old is None or old.playback is not new.playback or old.clip is not new.clip:
            self._show_playback(new)
        if old is None or old.clip is not new.clip:
            moving = new.clip is not None and new.clip.frames_ready > 1
            for button in self._all_buttons:
                button.setEnabled(moving)
            self._show_rates(new)
        elif old.playback.playing != new.playback.playing or old.playback.speed != new.playback.speed:
            self._show_rates(new)

    def set_shown_rate(self, state: ReviewState, fps: float) -> None:
        """Show how many different frames a second reached the screen; 0 while paused."""
        self._shown_fps = fps
        self._show_rates(state)

    def retheme(self) -> None:
        """Paint the icons anew in the colours of the theme."""
        for button, name in self._icons:
            button.setIcon(icon(name))
        self._play.setIcon(icon(self._play_icon, tokens().on_accent))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what has no room, the least needed first; every command keeps its key and its menu."""
        width = self.width()
        self._rates.setVisible(width >= _RATES_FROM)
        self._frame.setVisible(width >= _FRAME_FROM)
        for button in (self._first, self._last):
            button.setVisible(width >= _ENDS_FROM)
        self._ab.setVisible(width >= _AB_FROM)
        super().resizeEvent(event)

    def _buttons(self) -> None:
        self._icons: list[tuple[QToolButton, str]] = []
        self._first = self._tool("first", "First frame (Home)", self.firstAsked.emit)
        self._back = self._tool("step-back", "Frame back (←)", lambda: self.stepAsked.emit(-1))
        self._on = self._tool("step-forward", "Frame on (→)", lambda: self.stepAsked.emit(1))
        self._last = self._tool("last", "Last frame (End)", self.lastAsked.emit)
        self._play_icon = "play"
        self._play = QPushButton("Play", self)
        self._play.setProperty("look", "primary")
        self._play.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._play.setToolTip("Play or pause (Space)")
        self._play.setMinimumWidth(92)
        self._play.clicked.connect(self.playAsked)
        self._speed = self._menu_button("Speed (− and =)")
        speeds = QMenu(self._speed)
        for speed in SPEEDS:
            speeds.addAction(f"{speed:g} ×").triggered.connect(lambda _on=False, s=speed: self.speedAsked.emit(s))
        self._speed.setMenu(speeds)
        self._loop = self._menu_button("What happens at the end (L)")
        loops = QMenu(self._loop)
        for mode, (word, _, sentence) in _LOOPS.items():
            entry = loops.addAction(f"{word}: {sentence.lower()}")
            entry.triggered.connect(lambda _on=False, m=mode: self.loopAsked.emit(m))
        self._loop.setMenu(loops)
        self._ab = self._menu_button("Play from A to B ([ and ])")
        marks = QMenu(self._ab)
        marks.addAction("A: play from here").triggered.connect(lambda: self.markAsked.emit("a"))
        marks.addAction("B: play to here").triggered.connect(lambda: self.markAsked.emit("b"))
        marks.addAction("Play the whole clip").triggered.connect(self.marksCleared)
        self._ab.setMenu(marks)
        self._ab.setText("A–B")
        self._ab.setCheckable(True)
        self._all_buttons = [
            self._first, self._back, self._play, self._on, self._last, self._speed, self._loop, self._ab
        ]  # fmt: skip

    def _tool(self, name: str, tip: str, ask: object) -> QToolButton:
        button = QToolButton(self)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setIconSize(QSize(16, 16))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAutoRepeat(name.startswith("step"))
        button.clicked.connect(ask)
        self._icons.append((button, name))
        return button

    def _menu_button(self, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self._first, self._back, self._play, self._on, self._last):
            row.addWidget(button)
        row.addSpacing(8)
        row.addWidget(self._time)
        row.addSpacing(4)
        row.addWidget(self._frame)
        row.addStretch(1)
        row.addWidget(self._rates)
        row.addSpacing(4)
        for button in (self._speed, self._loop, self._ab):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(2)
        column.addWidget(self.ribbon)
        column.addWidget(self.seek_bar)
        column.addWidget(self.lanes)
        column.addSpacing(2)
        column.addLayout(row)

    def _show_playback(self, state: ReviewState) -> None:
        playback, clip = state.playback, state.clip
        name = "pause" if playback.playing else "play"
        if name != self._play_icon or self._play.icon().isNull():
            self._play_icon = name
            self._play.setText("Pause" if playback.playing else "Play")
            self._play.setIcon(icon(name, tokens().on_accent))
        self._speed.setText(f"{'−' if playback.direction < 0 else ''}{playback.speed:g}×")
        self._loop.setText(_LOOPS[playback.loop][0])
        self._ab.setChecked(playback.mark_a is not None or playback.mark_b is not None)
        if clip is None or clip.info is None or clip.frames_ready == 0:
            self._time.setText("")
            self._frame.setText("")
            return
        times = clip.info.times_s
        moment = float(times[min(playback.frame, len(times) - 1)]) if len(times) else 0.0
        about = "" if clip.phase is LoadPhase.COMPLETE else "~"
        self._time.setText(f"{moment:.2f} s / {about}{clip.info.duration_s:.2f} s")
        self._frame.setText(f"frame {playback.frame + 1} / {about}{max(clip.info.frames, clip.frames_ready)}")

    def _show_rates(self, state: ReviewState) -> None:
        clip = state.clip
        if clip is None or clip.info is None:
            self._rates.setText("")
            return
        text = f"clip {clip.info.fps:.1f} fps"
        if state.playback.playing and self._shown_fps > 0:
            text += f" · shown {self._shown_fps:.1f} fps"
        self._rates.setText(text)
