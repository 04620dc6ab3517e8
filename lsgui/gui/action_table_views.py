"""The commands on heat maps and M-mode. One row each, in the order of the menus."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lsgui.gui.actions import Action, Desk, has_clip, has_line
from lsgui.review import mmode_transitions as mm
from lsgui.review import transitions as to
from lsgui.review.heat_style import COLOUR_WORDS, SCALE_WORDS, WINDOW_WORDS
from lsgui.review.state import ReviewState


def _next_choice(desk: Desk, name: str, words: Mapping[str, str]) -> None:
    settings, values = desk.controller.settings, list(words)
    after: dict[str, Any] = {name: values[(values.index(getattr(settings, name)) + 1) % len(values)]}
    desk.controller.set_settings(replace(settings, **after))


def _has_map(state: ReviewState) -> bool:
    return bool(state.held_scales) or (bool(state.analysis.maps) and not state.verdict_hidden)


def _has_second(state: ReviewState) -> bool:
    return has_line(state) and state.mmode_second is not None


def _move_second(desk: Desk, step: float) -> None:
    column = desk.controller.state.mmode_second
    if column is not None:
        desk.controller.set_second_column(column + step)


def _go_to_boundary(desk: Desk) -> None:
    state = desk.controller.state
    found = mm.boundary(state)
    if found is None or state.clip is None or state.clip.info is None:
        return
    desk.controller.tell(f"{mm.boundary_words(found).capitalize()}: a hint, look for yourself.")
    if found.along is not None:
        along = found.along
        desk.controller.change(lambda s: mm.columns_beside(s, along))
    elif found.time_s is not None:
        desk.controller.seek(int(np.searchsorted(state.clip.info.times_s, found.time_s)))


HEAT = (
    Action(
        "heat_window",
        "View",
        "Heat map: average over time",
        ("T",),
        "This moment, 0.5 s, 1 s or the whole clip in turn.",
        lambda d: _next_choice(d, "heat_window", WINDOW_WORDS),
        group=True,
    ),
    Action(
        "heat_colours",
        "View",
        "Heat map: next colours",
        ("C",),
        "Take the next colours; all can be read by colour-blind eyes.",
        lambda d: _next_choice(d, "heat_colours", COLOUR_WORDS),
    ),
    Action(
        "heat_scale",
        "View",
        "Heat map: next colour scale",
        ("Shift+C",),
        "As suits each map, fitted to the clip, or the same on every clip.",
        lambda d: _next_choice(d, "heat_scale", SCALE_WORDS),
    ),
    Action(
        "hold_scale",
        "View",
        "Heat map: hold the colour scale",
        ("J",),
        "Keep this clip's colour scale for the next ones, or let it go.",
        lambda d: d.controller.change(to.scales_held),
        _has_map,
        lambda s: bool(s.held_scales),
    ),
)

MMODE = (
    Action(
        "column_follows",
        "Tools",
        "M-mode column follows the pointer",
        ("M",),
        "Take the M-mode where the pointer is.",
        lambda d: d.controller.change(lambda s: replace(s, mmode_follows_pointer=not s.mmode_follows_pointer)),
        has_clip,
        lambda s: s.mmode_follows_pointer,
    ),
    Action(
        "column_left",
        "Tools",
        "M-mode column to the left",
        (",",),
        "Move the M-mode column along the line.",
        lambda d: d.controller.set_column(d.controller.state.mmode_column - 0.02),
        has_line,
    ),
    Action(
        "column_right",
        "Tools",
        "M-mode column to the right",
        (".",),
        "Move the M-mode column along the line.",
        lambda d: d.controller.set_column(d.controller.state.mmode_column + 0.02),
        has_line,
    ),
    Action(
        "second_column",
        "Tools",
        "Second M-mode beside the first",
        ("Shift+M",),
        "Set or clear a second column, B; drag it, or click the clip with Shift.",
        lambda d: d.controller.change(mm.second_column_toggled),
        has_line,
        lambda s: s.mmode_second is not None,
        group=True,
    ),
    Action(
        "second_left",
        "Tools",
        "Second column to the left",
        ("<",),
        "Move the second M-mode's column along the line.",
        lambda d: _move_second(d, -0.02),
        _has_second,
    ),
    Action(
        "second_right",
        "Tools",
        "Second column to the right",
        (">",),
        "Move the second M-mode's column along the line.",
        lambda d: _move_second(d, 0.02),
        _has_second,
    ),
    Action(
        "mmode_pair",
        "Tools",
        "Two M-modes above one another",
        ("Ctrl+Shift+M",),
        "Put two M-modes above one another on the player's time axis, or side by side.",
        lambda d: d.controller.choose("mmode_pair", "beside" if d.controller.state.mmode_stacked else "stacked"),
        checked=lambda s: s.mmode_stacked,
    ),
    Action(
        "mmode_depth",
        "Tools",
        "M-mode: next depth",
        ("Ctrl+M",),
        "Show 15, 30 or 55 mm across the pleura.",
        lambda d: d.controller.change(mm.depth_cycled),
        has_line,
    ),
    Action(
        "lung_point",
        "Tools",
        "Go to the possible lung point",
        ("Shift+K",),
        "Take one M-mode on either side of it, or go to its moment.",
        _go_to_boundary,
        lambda s: mm.boundary(s) is not None,
        group=True,
    ),
)
