"""Every command of the window, one row each, in the order of the menus."""

from lsgui.gui.action_table_clip import ANALYSE, PLAY
from lsgui.gui.action_table_export import EXPORT
from lsgui.gui.action_table_label import LABEL
from lsgui.gui.action_table_maps import MAPS
from lsgui.gui.action_table_views import HEAT, MMODE
from lsgui.gui.action_table_worklist import WORKLIST
from lsgui.gui.actions import Action, has_clip, has_line, has_worklist
from lsgui.review import transitions as to
from lsgui.review.state import OverlayName

FILE = (
    Action(
        "open_files", "File", "Open clip…", ("Ctrl+O",), "Open DICOM or video files.", lambda d: d.window.open_files()
    ),
    Action(
        "open_folder",
        "File",
        "Open folder…",
        ("Ctrl+Shift+O",),
        "Put every clip of a folder into the worklist.",
        lambda d: d.window.open_folder(),
    ),
    Action(
        "new_project",
        "File",
        "New annotation project…",
        ("Ctrl+N",),
        "Keep labels in a new file of their own.",
        lambda d: d.window.projects.new_project(),
        group=True,
    ),
    Action(
        "open_project",
        "File",
        "Open annotation project…",
        ("Ctrl+P",),
        "Keep labels in another file, and show those that are in it.",
        lambda d: d.window.projects.open_project(),
    ),
    Action(
        "own_labels",
        "File",
        "Your own labels",
        ("Ctrl+Shift+N",),
        "Leave the annotation project: keep labels where they go without one.",
        lambda d: d.controller.project.use_own(),
        lambda s: bool(s.project),
    ),
    Action(
        "close_all",
        "File",
        "Close worklist",
        ("Ctrl+W",),
        "Empty the worklist; saved labels stay saved.",
        lambda d: d.controller.clips.close_all(),
        has_worklist,
        group=True,
    ),
    *EXPORT,
    Action("quit", "File", "Quit", ("Ctrl+Q",), "End the program.", lambda d: d.window.quit(), group=True),
)

EDIT = (
    Action(
        "undo",
        "Edit",
        "Undo",
        ("Ctrl+Z",),
        "Take back the last label, sign, interval or edit of the line, on whichever clip.",
        lambda d: d.controller.labels.undo(),
        lambda s: s.can_undo,
    ),
    Action(
        "redo",
        "Edit",
        "Redo",
        ("Ctrl+Shift+Z", "Ctrl+Y"),
        "Do the last undone edit again.",
        lambda d: d.controller.labels.redo(),
        lambda s: s.can_redo,
    ),
    Action(
        "remove_keyframe",
        "Edit",
        "Remove key frame",
        ("Del",),
        "Take away the line's key frame here, or the line.",
        lambda d: d.controller.lines.remove_keyframe(),
        has_line,
        group=True,
    ),
    Action(
        "remove_line",
        "Edit",
        "Remove pleural line",
        ("Ctrl+Del",),
        "Take away the whole pleural line.",
        lambda d: d.controller.lines.set_line(None),
        has_line,
    ),
    Action(
        "settings",
        "Edit",
        "Preferences…",
        ("Ctrl+,",),
        "Theme, reader, player and analysis.",
        lambda d: d.window.show_settings(),
        group=True,
    ),
)

_OVERLAYS: tuple[tuple[OverlayName, str, tuple[str, ...]], ...] = (
    ("pleural_line", "Pleural line", ("1",)),
    ("speckle_change", "Heat map: speckle change", ("H", "2")),
    ("flow", "Heat map: flow", ("Shift+H", "3")),
    ("class_ribbon", "Class ribbon", ("4",)),
    ("badge", "Verdict badge", ("5",)),
    ("scale_bar", "Scale bar", ("6",)),
    ("flow_arrows", "Flow arrows", ("7",)),
    ("focus", "Heat map: where the network looked", ("8",)),
)


def _overlay_row(name: OverlayName, text: str, keys: tuple[str, ...]) -> Action:
    return Action(
        f"overlay_{name}",
        "View",
        text,
        keys,
        f"Show or hide on the clip: {text.lower()}.",
        lambda d: d.controller.change(lambda s: to.overlay_switched(s, name, not s.overlays[name].shown)),
        checked=lambda s: s.overlays[name].shown,
    )


VIEW = (
    Action(
        "overlays",
        "View",
        "Overlays",
        ("O",),
        "Clear the picture of all overlays, or bring them back.",
        lambda d: d.controller.change(to.overlays_toggled),
        checked=lambda s: s.overlays_shown,
    ),
    *(_overlay_row(*row) for row in _OVERLAYS),
    *HEAT,
    Action(
        "zoom_in",
        "View",
        "Zoom in",
        ("Ctrl+=", "Ctrl++"),
        "Enlarge the clip; the wheel does so at the pointer.",
        lambda d: d.window.zoom_in(),
        has_clip,
        group=True,
    ),
    Action(
        "zoom_out", "View", "Zoom out", ("Ctrl+-",), "Show more of the clip.", lambda d: d.window.zoom_out(), has_clip
    ),
    Action(
        "zoom_to_fit", "View", "Whole clip", ("Ctrl+0",), "Fit the clip.", lambda d: d.window.zoom_to_fit(), has_clip
    ),
    Action(
        "gamma_up",
        "View",
        "Lift the dark",
        ("Ctrl+Up",),
        "Raise gamma: see more in dark areas.",
        lambda d: d.controller.change_gamma(1.1),
        has_clip,
        group=True,
    ),
    Action(
        "gamma_down",
        "View",
        "Deepen the dark",
        ("Ctrl+Down",),
        "Lower gamma.",
        lambda d: d.controller.change_gamma(1 / 1.1),
        has_clip,
    ),
    Action(
        "picture_reset",
        "View",
        "Grey values of the file",
        ("Ctrl+Backspace",),
        "Reset brightness, contrast and gamma.",
        lambda d: d.controller.reset_picture(),
        has_clip,
    ),
    Action(
        "left", "View", "Worklist", ("F2",), "Show or hide the worklist.", lambda d: d.window.toggle_left(), group=True
    ),
    Action(
        "right", "View", "Verdict column", ("F3",), "Show or hide the right column.", lambda d: d.window.toggle_right()
    ),
    Action("mmode", "View", "M-mode", ("F4",), "Show or hide the M-mode.", lambda d: d.window.toggle_mmode()),
    Action(
        "full_screen", "View", "Full screen", ("F11",), "Use the whole screen.", lambda d: d.window.toggle_full_screen()
    ),
    Action("theme", "View", "Next theme", ("Ctrl+T",), "Dark, light, as the system.", lambda d: d.window.cycle_theme()),
)

_TOPICS = (
    ("lung_sliding", "What lung sliding looks like", "Alt+1", "The signs of lung sliding, on the clip and in M-mode."),
    ("drawing_the_line", "How to mark the pleural line", "Alt+2", "Where the line belongs and how it is drawn."),
    ("reading_the_verdict", "How to read the verdict", "Alt+3", "What the verdict says and what it rests on."),
    ("limits", "Limits", "Alt+4", "What lsgui cannot do, and what misleads it."),
    (
        "labelling",
        "Labelling",
        "Alt+5",
        "Labels, raters, blind reading, second pass and adjudication, with their keys.",
    ),
    ("worklist", "The worklist", "Alt+6", "Studies, search, filters and orders; what comes next."),
    ("exporting", "What leaves", "Alt+7", "Kinds of export, the mask that a person approves, and what is stamped."),
    ("many_clips", "Many clips", "Alt+8", "Whole folders from the command line: resumed, on all cores, on a cluster."),
    ("intended_use", "Intended use", "Alt+9", "What lsgui is made for, and what it is not for."),
    (
        "failure_modes",
        "Known failures",
        "Alt+0",
        "What goes wrong, how often it was seen to, and what guards against it.",
    ),
    ("risks", "Risks", "Alt+Shift+1", "What could harm, what the program does about it, and what is left."),
)


def _topic_row(topic: str, text: str, key: str, sentence: str) -> Action:
    first = topic == _TOPICS[0][0]
    return Action(f"help_{topic}", "Help", text, (key,), sentence, lambda d: d.window.show_help(topic), group=first)


HELP = (
    Action(
        "shortcuts", "Help", "Keys", ("F1", "?"), "Show every command and its key.", lambda d: d.window.show_shortcuts()
    ),
    *(_topic_row(*row) for row in _TOPICS),
    Action(
        "log_folder",
        "Help",
        "Open the log folder",
        ("Ctrl+F1",),
        "Show where the log is; it names no patients.",
        lambda d: d.window.show_log_folder(),
        group=True,
    ),
    Action(
        "diagnostics",
        "Help",
        "Save diagnostics…",
        ("Ctrl+Shift+F1",),
        "Write a file for a fault report; it names nobody, and nothing is sent.",
        lambda d: d.window.diagnostics.ask_file(),
    ),
    Action("about", "Help", "About lsgui", ("Shift+F1",), "Versions and device.", lambda d: d.window.show_about()),
)

ACTIONS: tuple[Action, ...] = (*FILE, *EDIT, *VIEW, *PLAY, *ANALYSE, *MAPS, *LABEL, *WORKLIST, *MMODE, *HELP)
