"""The windows of a verdict as a table: one row a window, with what stamps every export in its columns."""

import csv
import io
import math

from lsgui.core.clip import ClipInfo
from lsgui.core.file_names import as_cell
from lsgui.core.prediction import Prediction
from lsgui.export.stamp import Stamp

COLUMNS = (
    "clip",
    "window",
    "first_frame",
    "last_frame",
    "from_s",
    "to_s",
    "p_absent",
    "clip_verdict",
    "clip_p_absent",
    "clip_p_absent_low",
    "clip_p_absent_high",
    "threshold",
    "clip_motion_index",
    "quality",
)
"""Columns before those of the stretches of pleura and of the stamp. Frames count from 1, as on the screen; `to_s` is
where the last frame ends; numbers are empty where nothing was scored."""


def window_table(prediction: Prediction, info: ClipInfo, name: str, stamp: Stamp) -> bytes:
    """Return the table as CSV (UTF-8 with a byte order mark, so that a spreadsheet reads it right).

    After `COLUMNS` come `stretch_1`, `stretch_2`, ... with p(absent) of every stretch of pleura in the line's own
    order, where the model tells them apart, then the stamp's columns.
    """
    ribbon = prediction.ribbon if prediction.tells_stretches else None
    count = 0 if ribbon is None else ribbon.p_absent.shape[1]
    stamped = stamp.columns()
    out = io.StringIO()
    names = [*COLUMNS, *(f"stretch_{k + 1}" for k in range(count)), *stamped]
    writer = csv.DictWriter(out, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    low, high = prediction.p_absent_interval or (None, None)
    whole = {
        "clip": as_cell(name),
        "clip_verdict": prediction.label.value,
        "clip_p_absent": _number(prediction.p_absent),
        "clip_p_absent_low": _number(low),
        "clip_p_absent_high": _number(high),
        "threshold": prediction.threshold,
        "clip_motion_index": _number(prediction.motion_index),
        "quality": " ".join(flag.value for flag in prediction.quality),
        **{column: as_cell(cell) if isinstance(cell, str) else cell for column, cell in stamped.items()},
    }
    times = info.times_s
    for row, window in enumerate(prediction.windows):
        end = float(times[window.stop]) if window.stop < info.frames else info.duration_s
        stretches = {}
        if ribbon is not None and row < len(ribbon.p_absent):
            stretches = {f"stretch_{k + 1}": _number(float(p)) for k, p in enumerate(ribbon.p_absent[row])}
        writer.writerow(
            {
                **whole,
                "window": row + 1,
                "first_frame": window.start + 1,
                "last_frame": window.stop,
                "from_s": f"{float(times[window.start]):.4f}",
                "to_s": f"{end:.4f}",
                "p_absent": _number(window.p_absent),
                **stretches,
            }
        )
    return "\ufeff".encode() + out.getvalue().encode("utf-8")


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.4f}"
