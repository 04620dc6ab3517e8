"""The commands that let something leave. One row each."""

from lsgui.gui.actions import Action, has_clip, has_line, is_complete

EXPORT = (
    Action(
        "export",
        "File",
        "Export…",
        ("Ctrl+E",),
        "Report, picture, movie, table and DICOM of this clip, under its mask.",
        lambda d: d.window.exports.open_dialog(),
        is_complete,
        group=True,
    ),
    Action(
        "export_picture",
        "File",
        "Save this picture…",
        ("Shift+E",),
        "Save this moment with its overlays as a PNG, under the clip's mask.",
        lambda d: d.window.exports.save_picture(),
        is_complete,
    ),
    Action(
        "export_mmode",
        "File",
        "Save the M-mode…",
        ("Ctrl+Shift+E",),
        "Save the M-mode with its axes as a PNG, and its raw greys with their scales.",
        lambda d: d.window.exports.save_mmode(),
        lambda s: is_complete(s) and has_line(s) and has_clip(s),
    ),
)
