"""The commands on the clip itself: play, analyse, label. One row each, in the order of the menus."""

from lsgui.core.label import ReaderLabel
from lsgui.gui.actions import Action, has_clip, has_line, has_override, has_worklist, is_complete, is_moving
from lsgui.review import transitions as to
from lsgui.review.override_transitions import REASONS
from lsgui.review.state import ReviewState


def _has_marks(state: ReviewState) -> bool:
    return state.playback.mark_a is not None or state.playback.mark_b is not None


PLAY = (
    Action(
        "play_pause",
        "Play",
        "Play / pause",
        ("Space",),
        "Play or pause the clip.",
        lambda d: d.controller.toggle_play(),
        is_moving,
    ),
    Action(
        "reverse",
        "Play",
        "Reverse",
        ("Shift+Space",),
        "Play the other way round.",
        lambda d: d.controller.change(to.reversed_),
        is_moving,
        lambda s: s.playback.direction < 0,
    ),
    Action(
        "frame_back",
        "Play",
        "Frame back",
        ("Left",),
        "Go back by one frame.",
        lambda d: d.controller.change(lambda s: to.stepped(s, -1)),
        is_moving,
        group=True,
    ),
    Action(
        "frame_on",
        "Play",
        "Frame on",
        ("Right",),
        "Go on by one frame.",
        lambda d: d.controller.change(lambda s: to.stepped(s, 1)),
        is_moving,
    ),
    Action(
        "ten_back",
        "Play",
        "10 frames back",
        ("Shift+Left",),
        "Go back by ten frames.",
        lambda d: d.controller.change(lambda s: to.stepped(s, -10)),
        is_moving,
    ),
    Action(
        "ten_on",
        "Play",
        "10 frames on",
        ("Shift+Right",),
        "Go on by ten frames.",
        lambda d: d.controller.change(lambda s: to.stepped(s, 10)),
        is_moving,
    ),
    Action("first", "Play", "First frame", ("Home",), "Go to the start.", lambda d: d.controller.seek(0), is_moving),
    Action(
        "last",
        "Play",
        "Last frame",
        ("End",),
        "Go to the end.",
        lambda d: d.controller.change(lambda s: to.stepped(s, 10**9)),
        is_moving,
    ),
    Action(
        "mark_a",
        "Play",
        "A mark",
        ("[",),
        "Play from here.",
        lambda d: d.controller.change(lambda s: to.mark_set(s, "a")),
        is_moving,
        group=True,
    ),
    Action(
        "mark_b",
        "Play",
        "B mark",
        ("]",),
        "Play to here.",
        lambda d: d.controller.change(lambda s: to.mark_set(s, "b")),
        is_moving,
    ),
    Action(
        "clear_marks",
        "Play",
        "Clear A–B",
        ("\\",),
        "Play the whole clip.",
        lambda d: d.controller.change(to.marks_cleared),
        _has_marks,
    ),
    Action(
        "loop",
        "Play",
        "Loop mode",
        ("L",),
        "Loop, sweep to and fro, or once.",
        lambda d: d.controller.change(to.loop_cycled),
        is_moving,
        group=True,
    ),
    Action(
        "slower",
        "Play",
        "Slower",
        ("-",),
        "Take the next slower speed.",
        lambda d: d.controller.change(lambda s: to.speed_stepped(s, -1)),
        is_moving,
    ),
    Action(
        "faster",
        "Play",
        "Faster",
        ("=", "+"),
        "Take the next faster speed.",
        lambda d: d.controller.change(lambda s: to.speed_stepped(s, 1)),
        is_moving,
    ),
    Action(
        "own_speed",
        "Play",
        "The clip's own speed",
        ("0",),
        "Play at 1.0 ×.",
        lambda d: d.controller.change(lambda s: to.speed_set(s, 1.0)),
        is_moving,
    ),
)

ANALYSE = (
    Action(
        "analyse",
        "Analyse",
        "Analyse",
        ("Return", "Enter"),
        "Ask for the verdict on this clip.",
        lambda d: d.controller.analysis.analyse(),
        has_clip,
    ),
    Action(
        "cancel",
        "Analyse",
        "Cancel",
        ("Esc",),
        "Stop drawing, searching or the analysis; leave full screen.",
        lambda d: d.window.cancel(),
    ),
    Action(
        "suggest",
        "Analyse",
        "Suggest the pleural line",
        ("Shift+R",),
        "Let the program look for the pleural line.",
        lambda d: d.controller.lines.suggest(),
        is_complete,
        group=True,
    ),
    Action(
        "draw_line",
        "Analyse",
        "Draw the pleural line",
        ("R",),
        "Draw along the pleura: click, click, double-click.",
        lambda d: d.controller.lines.draw("draw_line"),
        has_clip,
        lambda s: s.tool == "draw_line",
    ),
    Action(
        "draw_rectangle",
        "Analyse",
        "Draw a rectangle",
        ("Ctrl+R",),
        "Look for the pleural line in a rectangle.",
        lambda d: d.controller.lines.draw("draw_rectangle"),
        is_complete,
        lambda s: s.tool == "draw_rectangle",
    ),
    Action(
        "load_line",
        "Analyse",
        "Load pleural line…",
        ("Ctrl+L",),
        "Read a pleural line from a file.",
        lambda d: d.window.load_line(),
        has_clip,
        group=True,
    ),
    Action(
        "save_line",
        "Analyse",
        "Save pleural line…",
        ("Ctrl+S",),
        "Write the pleural line to a file.",
        lambda d: d.window.save_line(),
        has_line,
    ),
)


def _reason_row(number: int, reason: str) -> Action:
    return Action(
        f"reason_{number}",
        "Label",
        f"Reason: {reason}",
        (f"Ctrl+{number}",),
        "Say why your reading contradicts the verdict.",
        lambda d: d.controller.readings.give_reason(reason),
        has_override,
        group=number == 1,
    )


def _label_row(label: ReaderLabel, key: str) -> Action:
    return Action(
        f"label_{label.value}",
        "Label",
        label.wording,
        (key,),
        f"Save your reading of this clip: {label.wording.lower()}.",
        lambda d: d.controller.save_label(label),
        has_clip,
        lambda s: s.reading.label is label,
    )


LABEL = (
    _label_row(ReaderLabel.LS_P, "P"),
    _label_row(ReaderLabel.LS_A, "A"),
    _label_row(ReaderLabel.CANNOT_ASSESS, "U"),
    _label_row(ReaderLabel.LUNG_POINT, "K"),
    Action(
        "interval",
        "Label",
        "Mark an interval",
        ("I",),
        "Mark where a class begins, then where it ends; it carries your reading.",
        lambda d: d.controller.intervals.mark(),
        has_clip,
        group=True,
    ),
    *(_reason_row(number, reason) for number, reason in enumerate(REASONS, start=1)),
    Action(
        f"reason_{len(REASONS) + 1}",
        "Label",
        "Reason: other…",
        (f"Ctrl+{len(REASONS) + 1}",),
        "Type why your reading contradicts the verdict.",
        lambda d: d.window.type_reason(),
        has_override,
    ),
    Action(
        "next",
        "Label",
        "Next unlabelled clip",
        ("N",),
        "Go to the next clip of the list without a label.",
        lambda d: d.controller.clips.next_unlabelled(),
        has_worklist,
        group=True,
    ),
    Action(
        "previous",
        "Label",
        "Previous clip",
        ("B", "PgUp"),
        "Go back to the clip before.",
        lambda d: d.controller.clips.go(-1),
        has_worklist,
    ),
)
