"""What a command of the window is: one row of `action_table`, from which menus, shortcut sheet and tests are made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lsgui.gui.controller import Controller
from lsgui.review.state import LoadPhase, ReviewState

if TYPE_CHECKING:
    from lsgui.gui.window_commands import WindowCommands  # which shows the table: only the type is needed here

MENUS = ("File", "Edit", "View", "Play", "Analyse", "Label", "Worklist", "Tools", "Help")


class Desk(NamedTuple):
    """What a command works on."""

    controller: Controller
    window: "WindowCommands"


@dataclass(frozen=True, slots=True)
class Action:
    """One command.

    Attributes
    ----------
    id
        Its name in code, "play_pause".
    menu
        Menu that it stands in, one of `MENUS`.
    text
        What the menu calls it.
    keys
        Its shortcuts in Qt's portable spelling; the first is shown in the menu.
    help
        A sentence for the shortcut sheet and the status tip.
    run
        Carries it out.
    enabled
        Whether it can be carried out now.
    checked
        For a switch: whether it is on; None for a plain command.
    group
        Whether it begins a new group of its menu, set off by a line.
    """

    id: str
    menu: str
    text: str
    keys: tuple[str, ...]
    help: str
    run: Callable[[Desk], object]
    enabled: Callable[[ReviewState], bool] = lambda state: True
    checked: Callable[[ReviewState], bool] | None = None
    group: bool = False


def has_clip(state: ReviewState) -> bool:
    """A clip is on screen, whole or in part."""
    return state.clip is not None and state.clip.frames_ready > 0


def is_opened(state: ReviewState) -> bool:
    """A clip is on screen, or on its way there."""
    return state.clip is not None and state.clip.phase in (LoadPhase.OPENING, LoadPhase.DECODING, LoadPhase.COMPLETE)


def is_moving(state: ReviewState) -> bool:
    """The clip on screen has more than one frame."""
    return state.clip is not None and state.clip.frames_ready > 1


def is_complete(state: ReviewState) -> bool:
    """Every frame of the clip is decoded."""
    return state.clip is not None and state.clip.phase is LoadPhase.COMPLETE


def has_line(state: ReviewState) -> bool:
    """The clip on screen has a pleural line."""
    return has_clip(state) and state.roi is not None


def has_worklist(state: ReviewState) -> bool:
    """There is a worklist."""
    return len(state.worklist) > 0


def has_override(state: ReviewState) -> bool:
    """The last label contradicts the verdict, and its reason may still be given."""
    return state.override is not None
