"""The review window: puts the panels together and joins their wishes to the controller. No logic of its own."""

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QMainWindow, QScrollArea, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import Tag
from lsgui.gui.actions import Desk
from lsgui.gui.adjudication_panel import AdjudicationPanel
from lsgui.gui.clip_view import ClipView
from lsgui.gui.columns import Columns
from lsgui.gui.controller import Controller
from lsgui.gui.key_filter import KeyFilter
from lsgui.gui.label_panel import LabelPanel
from lsgui.gui.left_strip import LeftStrip
from lsgui.gui.menus import Menus
from lsgui.gui.mmode_view import MModeView
from lsgui.gui.notice_bar import NoticeBar
from lsgui.gui.overlay_panel import OverlayPanel
from lsgui.gui.override_strip import OverrideStrip
from lsgui.gui.player_bar import PlayerBar
from lsgui.gui.rater_strip import RaterStrip
from lsgui.gui.reader_corner import ReaderCorner
from lsgui.gui.shown_rate import ShownRate
from lsgui.gui.start_screen import StartScreen
from lsgui.gui.status_strip import StatusStrip
from lsgui.gui.unsaved_question import UnsavedQuestion
from lsgui.gui.unsaved_strip import UnsavedStrip
from lsgui.gui.verdict_panel import VerdictPanel
from lsgui.gui.window_commands import WindowCommands
from lsgui.gui.window_layout import restore_layout, save_layout
from lsgui.gui.worklist_panel import WorklistPanel
from lsgui.review import transitions as to
from lsgui.review.demo_clips import demo_clips
from lsgui.review.state import ReviewState

_LEFT_WIDTH, _RIGHT_WIDTH, _MMODE_HEIGHT = 256, 316, 168


class MainWindow(QMainWindow):
    """Worklist on the left; clip, player and M-mode in the middle; verdict, reading and overlays on the right."""

    firstPainted = Signal()

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self._painted = False
        self.setWindowTitle("lsgui")
        self.setAcceptDrops(True)
        self.setMinimumSize(560, 420)
        demos = demo_clips()
        self.worklist_panel = WorklistPanel(self)
        self.notice_bar = NoticeBar(self)
        self.left_strip = LeftStrip(self)
        self.start_screen = StartScreen(demos, self)
        self.clip_view = ClipView(self)
        self.player_bar = PlayerBar(self)
        self.mmode_view = MModeView(self)
        self.verdict_panel = VerdictPanel(self)
        self.adjudication_panel = AdjudicationPanel(self)
        self.unsaved_strip = UnsavedStrip(self)
        self.rater_strip = RaterStrip(self)
        self.label_panel = LabelPanel(self)
        self.override_strip = OverrideStrip(self)
        self.overlay_panel = OverlayPanel(self)
        self.status_strip = StatusStrip(self)
        self.setStatusBar(self.status_strip)
        self.reader_corner = ReaderCorner(self)
        self.menuBar().setCornerWidget(self.reader_corner)
        self._compose()
        self.columns = Columns(self.worklist_panel, self._right, self.mmode_view, self)
        self.commands = WindowCommands(self, controller, self.clip_view, self.columns, self.override_strip)
        self.menus = Menus(self, Desk(controller, self.commands), demos, controller.open_demo)
        self.shown_rate = ShownRate(self.clip_view, self)
        self._key_filter = KeyFilter(self)
        self.unsaved_question = UnsavedQuestion(self, controller)
        self.unsaved_question.settled.connect(self.close)
        self._join()
        self.retheme()
        restore_layout(self, self._splitters, self.columns)
        controller.stateChanged.connect(self.apply)
        controller.settingsChanged.connect(self._entitle)
        self.apply(None, controller.state)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Let every panel render the difference."""
        for panel in (
            self.clip_view,
            self.shown_rate,
            self.player_bar,
            self.mmode_view,
            self.notice_bar,
            self.left_strip,
            self.worklist_panel,
            self.verdict_panel,
            self.adjudication_panel,
            self.unsaved_strip,
            self.rater_strip,
            self.label_panel,
            self.reader_corner,
            self.override_strip,
            self.overlay_panel,
            self.status_strip,
            self.start_screen,
            self.menus,
        ):
            panel.apply(old, new)
        if old is None or old.clip is not new.clip:
            self._stack.setCurrentWidget(self.start_screen if new.clip is None else self._stage)
            self.columns.set_present("right", new.clip is not None)
            self.columns.set_present("left", len(new.worklist) > 0 or new.scanning)
        self._entitle()
        if new.override is not None and (old is None or old.override is not new.override):
            self._show_in_column(self.override_strip)
        if new.rater_asked and (old is None or not old.rater_asked):
            self.columns.set_present("right", True)
            self._show_in_column(self.rater_strip)

    def _show_in_column(self, strip: QWidget) -> None:
        QTimer.singleShot(0, self, lambda: self._right.ensureWidgetVisible(strip, 0))

    def _entitle(self) -> None:
        """Say in the title where the reader is; the file's name, which may be a patient's, only when asked."""
        state = self._controller.state
        if state.clip is None:
            title = "lsgui"
        elif self._controller.settings.name_in_title:
            title = f"{state.clip.path.name} – lsgui"
        else:
            title = f"Clip {(state.selected or 0) + 1} of {len(state.worklist)} – lsgui"
        if title != self.windowTitle():
            self.setWindowTitle(title)

    def retheme(self) -> None:
        """Paint icons anew after a change of theme."""
        for panel in (self.worklist_panel, self.player_bar, self.notice_bar, self.left_strip, self.start_screen):
            panel.retheme()
        self.status_strip.show_worker(self._controller.state)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell when the window has been painted for the first time."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.firstPainted.emit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide columns that have no room."""
        super().resizeEvent(event)
        self.columns.fit(self.width(), self.height())

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Note which control Tab reaches: it keeps its own keys."""
        moved = super().focusNextPrevChild(forward)
        if moved:
            self._key_filter.note_reached()
        return moved

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save the layout and end all threads; where something cannot be saved, ask first."""
        self.label_panel.comment.flush()
        if self.unsaved_question.holds():
            event.ignore()
            return
        save_layout(self, self._splitters, self.columns)
        self.hide()
        self._controller.close()
        self.worklist_panel.close_thread()
        self.mmode_view.stop()
        self.commands.exports.stop()
        self.commands.models.stop()
        self.commands.diagnostics.stop()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take local files anywhere on the window."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self._controller.open_paths(paths)

    def changeEvent(self, event: QEvent) -> None:
        """Bring the menu bar back when the system ends full screen."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and not self.isFullScreen():
            self.menuBar().setVisible(True)
            self.statusBar().setVisible(True)

    def _compose(self) -> None:
        picture = _column(self.clip_view, self.player_bar, spacing=0)
        self._stage = QSplitter(Qt.Orientation.Vertical)
        self._stage.addWidget(picture)
        self._stage.addWidget(self.mmode_view)
        self._stage.setStretchFactor(0, 1)
        self._stage.setStretchFactor(1, 0)
        self._stage.setCollapsible(0, False)
        self._stage.setSizes([10_000, _MMODE_HEIGHT])
        self._stack = QStackedWidget()
        self._stack.addWidget(self.start_screen)
        self._stack.addWidget(self._stage)
        middle = _column(self.notice_bar, self.left_strip, self._stack, spacing=0)
        strips = (self.adjudication_panel, self.unsaved_strip, self.rater_strip)
        right = (self.verdict_panel, *strips, self.label_panel, self.override_strip, self.overlay_panel)
        panels = _column(*right, spacing=16, margin=12, stretch=True)
        panels.setProperty("look", "column")
        self._right = QScrollArea()
        self._right.setWidgetResizable(True)
        self._right.setFrameShape(QFrame.Shape.NoFrame)
        self._right.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._right.setWidget(panels)
        bar = self._right.verticalScrollBar().sizeHint().width()
        self._right.setMinimumWidth(panels.minimumSizeHint().width() + bar)  # nothing lies under the scroll bar
        self.worklist_panel.setMinimumWidth(248)
        across = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.worklist_panel, middle, self._right):
            across.addWidget(widget)
        across.setStretchFactor(1, 1)
        across.setCollapsible(1, False)
        across.setSizes([_LEFT_WIDTH, 10_000, _RIGHT_WIDTH])
        for splitter in (across, self._stage):
            splitter.setHandleWidth(1)
        self.setCentralWidget(across)
        self._splitters = {"across": across, "stage": self._stage}

    def _join(self) -> None:
        controller = self._controller
        self._join_opening(controller)
        self._join_player(controller)
        view = self.clip_view
        view.roiDrawn.connect(controller.set_line)
        view.rectangleDrawn.connect(controller.suggest_within)
        view.toolEnded.connect(controller.lines.put_tool_down)
        view.columnPointed.connect(controller.set_column)
        view.secondColumnPointed.connect(controller.set_second_column)
        view.pictureAdjusted.connect(controller.adjust_picture)
        self.mmode_view.frameAsked.connect(controller.seek)
        self.verdict_panel.analyseAsked.connect(controller.analysis.analyse)
        self.verdict_panel.cancelAsked.connect(controller.cancel)
        self.verdict_panel.drawAsked.connect(lambda: controller.lines.draw("draw_line"))
        self._join_labels(controller)
        self.override_strip.reasonGiven.connect(controller.readings.give_reason)
        self.overlay_panel.overlaySwitched.connect(controller.switch_overlay)
        self.overlay_panel.overlayOpacity.connect(controller.fade_overlay)
        self.overlay_panel.heatChosen.connect(controller.choose)
        self.overlay_panel.scaleHoldAsked.connect(lambda: controller.change(to.scales_held))

    def _join_labels(self, controller: Controller) -> None:
        panel, labels = self.label_panel, controller.labels
        panel.labelAsked.connect(lambda label: labels.label(ReaderLabel(label)))
        panel.tagAsked.connect(lambda tag: labels.toggle_tag(Tag(tag)))
        panel.confidenceAsked.connect(labels.set_confidence)
        panel.commentSaid.connect(
            lambda path, former, text, goes_on: labels.set_comment(path, former, text, goes_on=goes_on)
        )
        self.rater_strip.named.connect(controller.project.name_reader)
        self.rater_strip.dropped.connect(controller.project.drop_question)
        self.reader_corner.readerAsked.connect(controller.project.ask_reader)
        self.unsaved_strip.tryAsked.connect(controller.readings.try_again)

    def _join_opening(self, controller: Controller) -> None:
        self.worklist_panel.clipAsked.connect(controller.clips.select)
        self.worklist_panel.changeAsked.connect(controller.change)
        self.notice_bar.dismissed.connect(lambda: controller.tell(""))
        self.left_strip.restoreAsked.connect(controller.session.restore)
        self.left_strip.dismissed.connect(controller.session.dismiss)
        self.left_strip.diagnosticsAsked.connect(self.commands.diagnostics.ask_file)
        self.start_screen.filesAsked.connect(self.commands.open_files)
        self.start_screen.folderAsked.connect(self.commands.open_folder)
        self.start_screen.pathAsked.connect(lambda path: controller.open_paths([path]))
        self.start_screen.demoAsked.connect(controller.open_demo)
        self.start_screen.filesDropped.connect(controller.open_paths)
        self.start_screen.helpAsked.connect(lambda: self.commands.show_help("lung_sliding"))
        self.clip_view.filesDropped.connect(controller.open_paths)

    def _join_player(self, controller: Controller) -> None:
        bar = self.player_bar
        bar.frameAsked.connect(controller.seek)
        bar.playAsked.connect(controller.toggle_play)
        bar.stepAsked.connect(lambda step: controller.change(lambda s: to.stepped(s, step)))
        bar.firstAsked.connect(lambda: controller.seek(0))
        bar.lastAsked.connect(lambda: controller.seek(10**9))
        bar.speedAsked.connect(lambda speed: controller.change(lambda s: to.speed_set(s, speed)))
        bar.loopAsked.connect(lambda mode: controller.change(lambda s: to.loop_set(s, mode)))
        bar.markAsked.connect(lambda mark: controller.change(lambda s: to.mark_set(s, mark)))
        bar.marksCleared.connect(lambda: controller.change(to.marks_cleared))
        self.shown_rate.rateMeasured.connect(lambda fps: bar.set_shown_rate(controller.state, fps))


def _column(*widgets: QWidget, spacing: int, margin: int = 0, stretch: bool = False) -> QWidget:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(spacing)
    for widget in widgets:
        layout.addWidget(widget)
    if stretch:
        layout.addStretch(1)
    return holder
