"""The only writer of the review state: commands and intents come in, `stateChanged` goes out."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from lsgui.core.errors import LsguiError
from lsgui.core.pleura import PleuralROI
from lsgui.gui.controller_adjudication import AdjudicationPart
from lsgui.gui.controller_analysis import AnalysisPart
from lsgui.gui.controller_audit import AuditPart
from lsgui.gui.controller_clips import ClipsPart
from lsgui.gui.controller_intervals import IntervalsPart
from lsgui.gui.controller_labels import LabelsPart
from lsgui.gui.controller_lines import LinesPart
from lsgui.gui.controller_maps import MapsPart
from lsgui.gui.controller_playback import PlaybackPart
from lsgui.gui.controller_project import ProjectPart, store_of
from lsgui.gui.controller_readings import ReadingsPart
from lsgui.gui.controller_session import SessionPart
from lsgui.gui.state_keeper import StateKeeper
from lsgui.inference.protocol import InferenceSession
from lsgui.review import mmode_transitions as mm
from lsgui.review import transitions as to
from lsgui.review.demo_clips import DemoClip
from lsgui.review.paths import settings_file
from lsgui.review.settings import Settings, save_settings
from lsgui.review.state import OverlayName, PictureSettings, ReviewState

log = logging.getLogger(__name__)

Transition = Callable[[ReviewState], ReviewState]


class Controller(QObject):
    """Carries out commands. What takes time happens in the threads of its parts.

    Parameters
    ----------
    settings
        The user's settings.
    make_session
        Makes the inference session, in its thread.
    store
        The annotation store; None for the one of the settings.
    """

    stateChanged = Signal(object, object)
    """(old, new): two `ReviewState`s. Listeners render the difference."""
    settingsChanged = Signal(object, object)
    """(old, new): two `Settings`."""

    def __init__(
        self,
        settings: Settings,
        make_session: Callable[[], InferenceSession],
        parent: QObject | None = None,
        *,
        store: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self._keeper = StateKeeper(settings, self)
        self._keeper.stateChanged.connect(self.stateChanged)
        self._keeper.settingsChanged.connect(self._on_keeper_settingsChanged)
        self.player = PlaybackPart(self._keeper)
        self.clips = ClipsPart(self._keeper)
        self.lines = LinesPart(self._keeper, self.clips)
        self.analysis = AnalysisPart(self._keeper, self.clips, self.lines, make_session)
        self.maps = MapsPart(self._keeper, self.analysis)
        file = store_of(settings, store)
        self.readings = ReadingsPart(self._keeper, self.lines, file)
        self.audit = AuditPart(self._keeper, self.lines, self.readings)
        self.labels = LabelsPart(self._keeper, self.clips, self.lines, self.readings)
        self.intervals = IntervalsPart(self._keeper, self.labels)
        self.project = ProjectPart(self._keeper, self.clips, self.labels, self.readings, file, self.set_settings)
        self.adjudication = AdjudicationPart(self._keeper, self.clips, self.readings)
        self.session = SessionPart(self._keeper, self.clips, self.lines, self.readings, self.project)
        self.clips.worklist.follow(self.readings, lambda: self.project.store)
        self.readings.labelSaved.connect(self._on_readings_labelSaved)

    @property
    def state(self) -> ReviewState:
        """What the window shows."""
        return self._keeper.state

    @property
    def settings(self) -> Settings:
        """The user's settings."""
        return self._keeper.settings

    def change(self, transition: Transition) -> None:
        """Replace the state by what a transition of `lsgui.review.transitions` makes of it."""
        self._keeper.change(transition)

    def tell(self, sentence: str) -> None:
        """Show a sentence in the notice bar; an empty one clears it."""
        self.change(lambda s: to.notice_set(s, sentence))

    def attempt(self, action: Callable[[], None]) -> None:
        """Do something that may fail with a sentence for the reader, and show the sentence."""
        try:
            action()
        except LsguiError as fault:
            log.info("%s", type(fault).__name__, exc_info=True)
            self.tell(str(fault))

    def start(self) -> None:
        """Do what waits until the window is painted: start the worker, read the recent files."""
        self.analysis.start_worker()
        self.clips.load_recent()

    def close(self) -> None:
        """End every thread and the worker; labels that wait are saved first."""
        self.change(lambda s: to.playing_set(s, False))
        self.session.close()
        self.readings.close()
        self.clips.close()
        self.lines.close()
        self.analysis.close()
        self.audit.close()

    def open_paths(self, paths: list[Path]) -> None:
        """Open clips and folders; a single `.json` file is a pleural line for the clip on screen."""
        if len(paths) == 1 and Path(paths[0]).suffix.lower() == ".json":
            self.attempt(lambda: self.lines.load_file(Path(paths[0])))
        else:
            self.clips.open_paths(paths)

    def open_demo(self, demo: DemoClip) -> None:
        """Open a bundled demo clip with its own pleural line."""
        if demo.roi is not None:
            self.clips.keep_line(demo.path.absolute(), demo.roi)
        self.clips.keep_note(demo.path.absolute(), demo.look_for)
        self.open_paths([demo.path])

    def seek(self, frame: int) -> None:
        """Pause, and show a frame."""
        self.change(lambda s: to.frame_shown(to.playing_set(s, False), frame))

    def toggle_play(self) -> None:
        """Play or pause."""
        self.change(lambda s: to.playing_set(s, not s.playback.playing))

    def cancel(self) -> bool:
        """Stop what goes on, one thing a press: drawing or searching, a map, the analysis, an interval, a question.

        Returns False where there was nothing to stop.
        """
        if (
            self.project.drop_question()
            or self.lines.stop()
            or self.maps.cancel()
            or self.analysis.cancel()
            or self.intervals.drop_half()
        ):
            return True
        if self.state.override is not None:
            self.readings.give_reason("")
            return True
        noticed = bool(self.state.notice)
        self.tell("")
        return noticed

    def go_next(self) -> None:
        """Turn to the next clip without a label, or the next one to adjudicate."""
        if self.state.adjudication is not None:
            self.adjudication.go_next()
        else:
            self.clips.next_unlabelled()

    def set_line(self, roi: PleuralROI) -> None:
        """Take over a line that was drawn or edited."""
        self.lines.set_line(roi)

    def suggest_within(self, box: tuple[float, float, float, float]) -> None:
        """Look for the pleural line in a rectangle that was drawn."""
        x, y, width, height = (round(value) for value in box)
        self.lines.suggest((x, y, width, height))

    def switch_overlay(self, name: OverlayName, shown: bool) -> None:
        """Show or hide an overlay."""
        self.change(lambda s: to.overlay_switched(s, name, shown))

    def fade_overlay(self, name: OverlayName, opacity: float) -> None:
        """Set an overlay's opacity."""
        self.change(lambda s: to.overlay_faded(s, name, opacity))

    def adjust_picture(self, brightness: float, contrast: float) -> None:
        """Set brightness and contrast; gamma stays."""
        self.change(lambda s: to.picture_set(s, replace(s.picture, brightness=brightness, contrast=contrast)))

    def change_gamma(self, factor: float) -> None:
        """Multiply gamma."""
        self.change(lambda s: to.picture_set(s, replace(s.picture, gamma=s.picture.gamma * factor)))

    def reset_picture(self) -> None:
        """Show grey values as they are in the file."""
        self.change(lambda s: to.picture_set(s, PictureSettings()))

    def set_column(self, column: float) -> None:
        """Take the M-mode at another place along the pleural line."""
        self.change(lambda s: to.column_set(s, column))

    def set_second_column(self, column: float | None) -> None:
        """Take a second M-mode at a place along the pleural line, or none."""
        self.change(lambda s: mm.second_column_set(s, column))

    def point_column(self, column: float) -> None:
        """The pointer is over this place of the line: the M-mode follows where it was told to."""
        if self.state.mmode_follows_pointer:
            self.set_column(column)

    def set_settings(self, settings: Settings) -> None:
        """Take over and save the user's settings."""
        self._keeper.change_settings(settings)
        self.attempt(lambda: save_settings(settings_file(), settings))

    def measure_flow(
        self, *, method: Literal["dis", "raft"] | None = None, step: Literal["auto", "1", "2", "3"] | None = None
    ) -> None:
        """Choose how flow is measured, and show it."""
        chosen = replace(
            self.settings,
            flow_method=method or self.settings.flow_method,
            flow_step=step or self.settings.flow_step,
        )
        self.set_settings(chosen)
        self.maps.show_flow()

    def choose(self, name: str, value: str) -> None:
        """Take over and save one setting, by its name."""
        chosen: dict[str, Any] = {name: value}
        self.set_settings(replace(self.settings, **chosen))

    def _on_keeper_settingsChanged(self, old: Settings, new: Settings) -> None:
        self.change(
            lambda s: replace(
                s,
                blind=new.blind,
                model_id=new.model_id,
                device=new.device,
                rater=new.rater.strip(),
                sitting=int(new.sitting),
                heat=new.heat,
                mmode_stacked=new.mmode_pair == "stacked",
                flow=new.flow,
            )
        )
        self.settingsChanged.emit(old, new)

    def _on_readings_labelSaved(self) -> None:
        if self.settings.next_after_label:
            self.go_next()
