"""A page of paper measured in millimetres from its upper left corner: text, boxes and pictures, as a PDF."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

Face = Literal["plain", "bold", "italic"]
Align = Literal["left", "center", "right"]

PAPERS_MM: Mapping[str, tuple[float, float]] = MappingProxyType({"a4": (210.0, 297.0), "letter": (215.9, 279.4)})
INK, MUTED, RULE, PALE = "#161b22", "#4d5663", "#b9c2cd", "#f2f4f7"
PT_MM = 25.4 / 72.0
LEADING = 1.38
"""Height of a line over the size of its type."""

_FILES: Mapping[Face, str] = MappingProxyType(
    {"plain": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf", "italic": "DejaVuSans-Oblique.ttf"}
)


@cache
def typeface(face: Face) -> FontProperties:
    """Return a typeface that comes with matplotlib: the page looks the same on every machine."""
    return FontProperties(fname=str(Path(mpl.get_data_path()) / "fonts" / "ttf" / _FILES[face]))


@cache
def _measure(face: Face) -> FT2Font:
    font = FT2Font(str(typeface(face).get_file()))
    font.set_size(100.0, 72)  # then a unit of advance is a hundredth of the type's size
    return font


@cache
def _advance(character: str, face: Face) -> float:
    """Return the width of a character over the size of its type."""
    return float(_measure(face).load_char(ord(character)).linearHoriAdvance) / 65536.0 / 100.0


def text_width(text: str, size: float, face: Face = "plain") -> float:
    """Return the width of a line in millimetres at `size` points; kerning can only make it narrower."""
    return sum(_advance(character, face) for character in text) * size * PT_MM


def line_height(size: float) -> float:
    """Return millimetres from one line to the next at `size` points."""
    return size * PT_MM * LEADING


@cache
def _known_characters() -> frozenset[int]:
    return frozenset(_measure("plain").get_charmap())


def printable(text: str) -> str:
    """Return text with an open box for every character that the typeface lacks, and spaces for control characters."""
    known = _known_characters()
    return "".join(" " if ord(c) < 32 else c if ord(c) in known else "□" for c in text)


def wrapped(text: str, size: float, width: float, face: Face = "plain") -> list[str]:
    """Return the lines of a text that is at most `width` millimetres wide; a word that is wider is broken."""
    out: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in printable(paragraph).split():
            longer = f"{line} {word}".strip()
            if text_width(longer, size, face) <= width:
                line = longer
                continue
            if line:
                out.append(line)
            while text_width(word, size, face) > width:
                cut = _fitting(word, size, width, face)
                out.append(word[:cut])
                word = word[cut:]  # noqa: PLW2901  # the rest of a word that is wider than the column
            line = word
        out.append(line)
    return out


def shortened(text: str, size: float, width: float, face: Face = "plain") -> str:
    """Return a text in one line; one that is too wide loses its end to an ellipsis."""
    line = " ".join(printable(text).split())
    if text_width(line, size, face) <= width:
        return line
    return line[: max(_fitting(line, size, width - text_width("…", size, face), face), 1)].rstrip() + "…"


def _fitting(word: str, size: float, width: float, face: Face) -> int:
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(word[:middle], size, face) <= width else (low, middle - 1)
    return low


@dataclass(frozen=True, slots=True)
class Field:
    """A rectangle of the page in millimetres, y downwards."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def inset(self, across: float, down: float) -> "Field":
        """Return it smaller by a margin on all sides."""
        return Field(self.left + across, self.top + down, self.width - 2 * across, self.height - 2 * down)


class Page:
    """One page. Everything is placed in millimetres; text is placed by the top of its line."""

    def __init__(self, paper: str) -> None:
        self.width, self.height = PAPERS_MM[paper]
        self._figure = Figure(figsize=(self.width / 25.4, self.height / 25.4))
        self._axes = self._figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self._axes.set_xlim(0, self.width)
        self._axes.set_ylim(self.height, 0)
        self._axes.axis("off")

    def text(
        self,
        x: float,
        top: float,
        words: str,
        size: float = 8.0,
        face: Face = "plain",
        colour: str = INK,
        align: Align = "left",
    ) -> None:
        """Set one line."""
        baseline = top + size * PT_MM * 1.02
        font = typeface(face).copy()
        font.set_size(size)
        self._axes.text(
            x, baseline, printable(words), fontproperties=font, color=colour, ha=align, va="baseline", parse_math=False
        )

    def lines(
        self, x: float, top: float, words: list[str], size: float = 8.0, face: Face = "plain", colour: str = INK
    ) -> float:
        """Set lines one under the other and return where the next would begin."""
        for line in words:
            self.text(x, top, line, size, face, colour)
            top += line_height(size)
        return top

    def heading(self, x: float, top: float, words: str) -> float:
        """Set the heading of a part and return where its content begins."""
        self.text(x, top, words.upper(), 6.6, "bold", MUTED)
        return top + 4.4

    def rule(self, x0: float, y0: float, x1: float, y1: float, colour: str = RULE, points: float = 0.6) -> None:
        """Draw a line."""
        self._axes.plot([x0, x1], [y0, y1], color=colour, linewidth=points, solid_capstyle="butt")

    def dashes(self, x0: float, y0: float, x1: float, y1: float, colour: str = INK, points: float = 0.6) -> None:
        """Draw a dashed line."""
        self._axes.plot([x0, x1], [y0, y1], color=colour, linewidth=points, dashes=(3, 2))

    def path(self, xs: npt.ArrayLike, ys: npt.ArrayLike, colour: str = INK, points: float = 0.9) -> None:
        """Draw a polyline; NaN leaves a gap."""
        self._axes.plot(np.asarray(xs), np.asarray(ys), color=colour, linewidth=points, solid_joinstyle="miter")

    def card(self, field: Field, edge: str = RULE, fill: str = "white", points: float = 0.7) -> None:
        """Draw a box with soft corners."""
        self._axes.add_patch(
            FancyBboxPatch(
                (field.left + 1.2, field.top + 1.2),
                field.width - 2.4,
                field.height - 2.4,
                boxstyle="round,pad=1.2,rounding_size=1.2",
                facecolor=fill,
                edgecolor=edge,
                linewidth=points,
            )
        )

    def bar(self, field: Field, fill: str, edge: str = "none", hatch: str = "", points: float = 0.5) -> None:
        """Fill a rectangle."""
        self._axes.add_patch(
            Rectangle(
                (field.left, field.top),
                field.width,
                field.height,
                facecolor=fill,
                edgecolor=edge,
                linewidth=points,
                hatch=hatch or None,
            )
        )

    def ring(self, x: float, y: float, radius: float, colour: str, points: float = 1.4) -> None:
        """Draw a circle."""
        self._axes.add_patch(Circle((x, y), radius, facecolor="none", edgecolor=colour, linewidth=points))

    def wedge(self, corners: list[tuple[float, float]], fill: str) -> None:
        """Fill a polygon."""
        self._axes.add_patch(Polygon(corners, closed=True, facecolor=fill, edgecolor="none"))

    def picture(self, field: Field, pixels: npt.NDArray[np.uint8]) -> None:
        """Place a picture, (height, width) or (height, width, 3) uint8, so that it fills a field."""
        axes = self._figure.add_axes(
            (
                field.left / self.width,
                1.0 - field.bottom / self.height,
                field.width / self.width,
                field.height / self.height,
            )
        )
        axes.axis("off")
        colours = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
        axes.imshow(colours, aspect="auto", interpolation="none")
        axes.set_zorder(-1)

    def pdf(self, properties: Mapping[str, object]) -> bytes:
        """Return the page as a PDF file with its typefaces embedded, so that its text can be searched and copied."""
        out = io.BytesIO()
        with mpl.rc_context({"pdf.fonttype": 42, "pdf.compression": 9, "hatch.linewidth": 0.4}):
            FigureCanvasPdf(self._figure).print_pdf(out, metadata=dict(properties))
        return out.getvalue()
