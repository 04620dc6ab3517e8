"""The commands on the worklist: what is listed, in which order, and the way through it. One row each."""

from lsgui.gui.actions import Action, has_worklist
from lsgui.gui.worklist_bar import shuffle
from lsgui.review import worklist_transitions as wl
from lsgui.review.state import ReviewState


def _has_choice(state: ReviewState) -> bool:
    return len(state.worklist) > 1


def _is_narrowed(state: ReviewState) -> bool:
    return wl.all_shown(state) is not state


WORKLIST = (
    Action(
        "list_next",
        "Worklist",
        "Next clip in the list",
        ("PgDown",),
        "Go to the clip below, read or not.",
        lambda d: d.controller.clips.go(1),
        has_worklist,
    ),
    Action(
        "first_unlabelled",
        "Worklist",
        "First unlabelled clip",
        ("Ctrl+Home",),
        "Go to the first clip of the list without a label.",
        lambda d: d.controller.clips.worklist.go_first_unlabelled(),
        has_worklist,
    ),
    Action(
        "list_search",
        "Worklist",
        "Search names…",
        ("Ctrl+F",),
        "List the clips with these words in their names; Return goes to the first, Esc lists all.",
        lambda d: d.window.open_worklist().bar.start_search(),
        _has_choice,
        group=True,
    ),
    Action(
        "list_filter",
        "Worklist",
        "Filter…",
        ("F",),
        "List clips without a label, with one label, flagged, disputed, or that cannot be read.",
        lambda d: d.window.open_worklist().bar.filter_button.open_menu(),
        _has_choice,
    ),
    Action(
        "list_order",
        "Worklist",
        "Order…",
        ("Shift+F",),
        "By name, random, or what the AI or the raters are least sure of first.",
        lambda d: d.window.open_worklist().bar.order_button.open_menu(),
        _has_choice,
    ),
    Action(
        "list_all",
        "Worklist",
        "Show all clips",
        ("Ctrl+Shift+F",),
        "Clear filter and search; the order stays.",
        lambda d: d.controller.change(wl.all_shown),
        _is_narrowed,
    ),
    Action(
        "list_shuffle",
        "Worklist",
        "Shuffle again",
        ("Ctrl+Shift+R",),
        "Take another random order; it is kept for this folder.",
        lambda d: d.controller.change(shuffle),
        _has_choice,
        group=True,
    ),
    Action(
        "list_groups",
        "Worklist",
        "Studies and folders with headings",
        ("Ctrl+G",),
        "Group instances by study and other files by folder, in the order by name.",
        lambda d: d.controller.change(wl.grouping_switched),
        _has_choice,
        lambda s: s.listing.grouped,
    ),
    Action(
        "list_fold",
        "Worklist",
        "Fold or unfold this group",
        ("Ctrl+Shift+G",),
        "Hide the clips of this clip's study or folder, or show them.",
        lambda d: d.controller.change(wl.own_group_folded),
        lambda s: s.selected is not None and s.listing.grouped,
    ),
)
