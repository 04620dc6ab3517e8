"""The commands on heat maps and M-mode. One row each, in the order of the menus."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lsgui.gui.actions import Action, Desk, has_clip, has_line
from lsgui.review import transitions as to
from lsgui.review.heat_style import COLOUR_WORDS, SCALE_WORDS, WINDOW_WORDS
from lsgui.review.state import ReviewState


def _next_choice(desk: Desk, name: str, words: Mapping[str, str]) -> None:
    settings, values = desk.controller.settings, list(words)
    after: dict[str, Any] = {name: values[(values.index(getattr(settings, name)) + 1) % len(values)]}
    desk.controller.set_settings(replace(settings, **after))


def _has_map(state: ReviewState) -> bool:
    return bool(state.held_scales) or (bool(state.analysis.maps) and not state.verdict_hidden)


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
)
