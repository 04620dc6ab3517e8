"""The controller's project: who reads, in which sitting, and in which file everything that is said is kept."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject

from lsgui.gui.controller_clips import ClipsPart
from lsgui.gui.controller_labels import LabelsPart
from lsgui.gui.controller_readings import ReadingsPart
from lsgui.gui.reading_orders import StoreUsed
from lsgui.gui.state_keeper import StateKeeper
from lsgui.review import reading_transitions as rd
from lsgui.review import transitions as to
from lsgui.review import worklist_transitions as wl
from lsgui.review.paths import labels_file
from lsgui.review.settings import Settings
from lsgui.review.state import ReviewState
from lsgui.review.worklist_choice import ListChoice

log = logging.getLogger(__name__)

_SEEDS = 10_000
"""So many random orders there are."""


class ProjectPart(QObject):
    """Asks who reads, begins sittings, and changes the store; whatever belonged to the former is gone from the screen.

    Parameters
    ----------
    store
        The store that was named at the start; None for the one of the settings.
    change_settings
        Takes over and saves settings.
    """

    def __init__(
        self,
        keeper: StateKeeper,
        clips: ClipsPart,
        labels: LabelsPart,
        readings: ReadingsPart,
        store: Path,
        change_settings: Callable[[Settings], None],
    ) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._clips = clips
        self._labels = labels
        self._readings = readings
        self._change_settings = change_settings
        self._listing: ListChoice | None = None
        """What was listed before the second pass."""
        self.store = store
        """The file in which everything that is said is kept."""
        keeper.change(lambda s: replace(s, project=project_name(store)))
        keeper.stateChanged.connect(self._on_keeper_stateChanged)
        readings.told.connect(self._on_readings_told)

    def ask_reader(self) -> None:
        """Ask who reads."""
        self._readings.look_up_worklist()
        self._keeper.change(rd.rater_asked)

    def name_reader(self, name: str) -> None:
        """Take over who reads; what was said meanwhile is saved in this name."""
        name = name.strip()[:40]
        if not name:
            return
        self._keeper.change(rd.rater_settled)
        if name == self._keeper.state.rater:
            self._labels.name_reader()
        else:
            self._change_settings(replace(self._keeper.settings, rater=name))

    def drop_question(self) -> bool:
        """Put the question who reads aside: what waited for it is not said. False where nothing is asked."""
        if not self._keeper.state.rater_asked:
            return False
        waited = self._labels.drop_held()
        self._keeper.change(rd.rater_settled)
        if waited:
            sentence = "Not saved: nobody said who reads. Label again, then give your initials."
            self._keeper.change(lambda s: to.notice_set(s, sentence))
        return True

    def switch_sitting(self) -> None:
        """Begin the second pass, or go back to the first: each sees nothing of the other."""
        second = self._keeper.state.sitting == 1
        if second:
            self._listing = self._keeper.state.listing
            self._keeper.change(lambda s: wl.shuffled(wl.all_shown(s), secrets.randbelow(_SEEDS)))
        elif self._listing is not None:
            former, self._listing = self._listing, None
            self._keeper.change(lambda s: wl.listing_set(s, former))
        self._change_settings(replace(self._keeper.settings, sitting="2" if second else "1"))
        sentence = (
            "Second pass, in random order: your first labels are hidden, what you say now is kept beside them."
            if second
            else "First pass: your labels of the second pass are kept beside these."
        )
        self._keeper.change(lambda s: to.notice_set(s, sentence))

    def use_store(self, file: Path) -> None:
        """Keep everything that is said in another file from now on; the labels in it are shown.

        A file that is no store is refused in a notice, and the former one stays.
        """
        if file == self.store:
            return
        if self._readings.unsaved:
            sentence = "Some of what you said is not saved yet: try again once it is, or save it to another file."
            self._keeper.change(lambda s: to.notice_set(s, sentence))
            return
        self._readings.use_store(file)

    def use_own(self) -> None:
        """Leave the project: keep what is said where it goes without one."""
        self.use_store(labels_file())

    def toggle_blind(self) -> None:
        """Hide the AI and other raters until the reader has saved a label, or no longer."""
        self._change_settings(replace(self._keeper.settings, blind=not self._keeper.settings.blind))

    def _on_readings_told(self, event: object) -> None:
        if not isinstance(event, StoreUsed):
            return
        self.store = event.file
        own = event.file == labels_file()
        self._change_settings(replace(self._keeper.settings, store_file="" if own else str(event.file)))
        self._keeper.change(lambda s: replace(s, project=project_name(event.file), adjudication=None))
        self._begin_anew()

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if (old.rater, old.sitting) == (new.rater, new.sitting):
            return
        if not old.rater and old.sitting == new.sitting:
            if not new.rater_asked:  # a name that is typed into the preferences may not be whole yet
                self._labels.name_reader()
            self._readings.look_up_worklist()
            self._readings.look_up_clip()
        else:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._labels.begin_anew()
        self._keeper.change(rd.nothing_read)
        notice = self._keeper.state.notice
        self._clips.open_anew()
        self._keeper.change(lambda s: to.notice_set(s, s.notice or notice))
        self._readings.look_up_worklist()
        self._clips.worklist.look_anew()


def store_of(settings: Settings, named: Path | None = None) -> Path:
    """Return the store to use: the one that was named, that of the settings, or the reader's own."""
    if named is not None:
        return named.absolute()
    return Path(settings.store_file) if settings.store_file.strip() else labels_file()


def project_name(store: Path) -> str:
    """Return the name of a project for people; empty for the reader's own labels."""
    return "" if store == labels_file() else store.stem
