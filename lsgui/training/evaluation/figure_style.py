"""The one style of all figures: light, for print, with colours that colour-blind readers tell apart (Okabe and Ito).

matplotlib is loaded when the first figure is made, and never its `pyplot`, which keeps every figure alive and looks for
a screen.
"""

import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from lsgui.core.atomic_file import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRESENT, ABSENT, UNSURE = "#0072b2", "#d55e00", "#7f7f7f"
"""Colours of ls_p, of ls_a and of no verdict."""

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Colours of curves and bars side by side, in this order."""

INK, MUTED, GRID = "#1a1a1a", "#5f5f5f", "#dcdcdc"
DPI = 200
NOTE_POINTS, NOTE_INCHES, LEGEND_LINE_POINTS = 7.5, 0.06, 12.0
"""Size of the text of a note, the room around it, and the height of a line of a legend."""

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

_P = ParamSpec("_P")
_R = TypeVar("_R")


def in_style(draw: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function draw in the house's style, whatever style is set outside of it."""

    @wraps(draw)
    def styled(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        import matplotlib as mpl

        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled


@in_style
def new_figure(title: str, panels: int = 1, size: tuple[float, float] = (4.6, 4.2), note: str = "") -> tuple[Any, Any]:
    """Return a figure in the house's style and its axes in a row, (panels,).

    Parameters
    ----------
    panels
        How many axes; 0 where the caller places them.
    size
        Width and height of a panel in inches.
    note
        A sentence under the figure, such as what a reader must not take it for.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = size[0] * max(panels, 1)
    figure = Figure(figsize=(width, size[1]), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, panels, squeeze=False)[0] if panels else []
    lines = [_wrapped(line, int(width * 11.2)) for line in title.splitlines()]
    figure.suptitle("\n".join(lines), x=0.02, ha="left", fontsize=10, fontweight="bold", color=INK)
    if note:
        text = _wrapped(note, int(width * 17))
        figure.text(0.02, NOTE_INCHES / size[1], text, va="bottom", fontsize=NOTE_POINTS, color=INK)
        _keep_free(figure, (NOTE_INCHES * 2 + (text.count("\n") + 1) * NOTE_POINTS * 1.25 / 72) / size[1])
    return figure, axes


@in_style
def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG, whole or not at all; return its path."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI)
    write_atomic(path, data.getvalue())
    return path


def legend_below(figure: Any, columns: int) -> None:
    """Put one legend for all axes under them and over a note, where it hides nothing."""
    found = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    labels, handles = list(found), list(found.values())
    rows = -(-len(labels) // columns)
    height = (rows * LEGEND_LINE_POINTS + 8.0) / 72 / figure.get_figheight()
    bottom = _keep_free(figure, height)
    figure.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, bottom), ncols=columns)


def _keep_free(figure: Any, height: float) -> float:
    """Raise the lower edge of what the axes may take by a part of the figure's height; return where it was."""
    engine = figure.get_layout_engine()
    bottom: float = engine.get()["rect"][1]
    engine.set(rect=(0.0, bottom + height, 1.0, 1.0 - bottom - height))
    return bottom


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
