"""The commands on maps that are made on demand. One row each, in the order of the menus."""

from typing import Literal

from lsgui.gui.actions import Action, has_clip
from lsgui.review.state import ReviewState


def _focus_is_seen(state: ReviewState) -> bool:
    return state.overlays_shown and state.overlays["focus"].shown


def _step_row(step: Literal["auto", "1", "2", "3"], words: str, key: str) -> Action:
    number = 0 if step == "auto" else int(step)
    return Action(
        f"flow_step_{step}",
        "Analyse",
        f"Flow step: {words}",
        (key,),
        "Frames between the two whose flow is measured; a larger step shows slower motion.",
        lambda d: d.controller.measure_flow(step=step),
        has_clip,
        lambda s: s.flow.step == number,
    )


MAPS = (
    Action(
        "focus",
        "Analyse",
        "Where the network looked",
        ("G",),
        "Compute and show which places spoke for present and which for absent; no proof that they should.",
        lambda d: d.controller.maps.show_focus(),
        has_clip,
        _focus_is_seen,
        group=True,
    ),
    Action(
        "flow_raft",
        "Analyse",
        "Flow by RAFT",
        ("F5",),
        "Measure flow with the network RAFT instead of DIS; it takes a while.",
        lambda d: d.controller.measure_flow(method="dis" if d.controller.state.flow.method == "raft" else "raft"),
        has_clip,
        lambda s: s.flow.method == "raft",
        group=True,
    ),
    _step_row("auto", "automatic", "F6"),
    _step_row("1", "1 frame", "F7"),
    _step_row("2", "2 frames", "F8"),
    _step_row("3", "3 frames", "F9"),
)
