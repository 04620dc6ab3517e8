"""How fast clips are read: beside pydicom, beside a bare OpenCV loop, to the first frame, and when scrubbing."""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.bench.rows import Area, BenchRow, Bound, Target, Tell, row_of
from lsgui.bench.sample_dicom import (
    HEIGHT,
    JPEG,
    SYNTAXES,
    WIDTH,
    Pictures,
    Syntax,
    number_in,
    write_dicom,
    write_movie,
)
from lsgui.bench.timing import SideBySide, side_by_side, timed
from lsgui.core.resources import resources_dir

_JPEG_TIMES, _FIRST_FRAME_MS, _SCRUB_MS = 20.0, 100.0, 30.0
_FIRST_ROUNDS = 5
_ON_DISK_BUDGET = 8 * WIDTH * HEIGHT
"""Memory for eight frames: all others come from the temporary file."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: frames of each clip, random frames asked for, and rounds."""

    jpeg_frames: int = 300
    other_frames: int = 16
    movie_frames: int = 900
    seeks: int = 400
    simulated: int = 12
    rounds: int = 3
    pydicom_most_s: float = 15.0
    others: tuple[Syntax, ...] = SYNTAXES


_FULL = Extent()
_QUICK = Extent(10, 2, 40, 60, 3, 1, 0.0, SYNTAXES[:2])


@dataclass(frozen=True, slots=True)
class SyntaxTimes:
    """A DICOM clip read by pydicom and by the program; `plugin` is what pydicom decoded with."""

    title: str
    frames: int
    plugin: str
    largest_difference: int
    times: SideBySide

    def as_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "title": self.title,
            "frames": self.frames,
            "pydicom_plugin": self.plugin,
            "largest_difference": self.largest_difference,
            **self.times.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Scrub:
    """Frames asked for at random. `wrong` counts those that were not the one asked for."""

    title: str
    seeks: int
    p95_ms: float
    worst_ms: float
    wrong: int

    def as_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "title": self.title,
            "seeks": self.seeks,
            "p95_ms": self.p95_ms,
            "worst_ms": self.worst_ms,
            "wrong": self.wrong,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured of reading.

    Attributes
    ----------
    jpeg, others
        DICOM clips of 800 x 600 beside pydicom's `pixel_array`.
    movie, movie_frames
        An MPEG-4 movie of 800 x 600 read to the last frame as grey, beside OpenCV's loop that keeps nothing.
    first_ms
        Milliseconds from the request to the first frame of each kind of clip, libraries loaded.
    cold_ms
        The same for the first clip of a process that has loaded no decoder yet; None where something had.
    scrubs
        Random frames of the movie: from memory, from the temporary file, and while it is still being decoded.
    """

    jpeg: SyntaxTimes
    others: tuple[SyntaxTimes, ...]
    movie: SideBySide
    movie_frames: int
    first_ms: dict[str, float]
    cold_ms: dict[str, float | None]
    scrubs: tuple[Scrub, ...]

    def as_json(self) -> dict[str, Any]:
        """Return `decode_fps` and `first_frame_ms` of the contract, and `reading` with what stands behind them."""
        return {
            "decode_fps": self.movie_frames / self.movie.shipped.best_s,
            "first_frame_ms": max(self.first_ms.values()),
            "reading": {
                "dicom_jpeg": self.jpeg.as_json(),
                "dicom_others": [other.as_json() for other in self.others],
                "movie": {"frames": self.movie_frames, **self.movie.as_json()},
                "first_frame_ms": self.first_ms,
                "first_frame_cold_ms": self.cold_ms,
                "scrub": [scrub.as_json() for scrub in self.scrubs],
            },
        }

    def rows(self) -> list[BenchRow]:
        """Return the rows of the table."""
        return [
            _dicom_row(self.jpeg, _JPEG_TIMES),
            *(_dicom_row(other, None) for other in self.others),
            self._movie_row(),
            *self._first_rows(),
            *(_scrub_row(scrub) for scrub in self.scrubs),
        ]

    def _movie_row(self) -> BenchRow:
        return BenchRow(
            Area.READING,
            f"{self.movie_frames} movie frames, grey and kept",
            self.movie_frames / self.movie.shipped.best_s,
            "frames/s",
            self.movie_frames / self.movie.reference.best_s,
            "bare OpenCV loop",
            self.movie.faster_by,
            note="the bare loop keeps nothing and stays in colour",
        )

    def _first_rows(self) -> list[BenchRow]:
        kind, slowest = max(self.first_ms.items(), key=lambda pair: pair[1])
        limit = Target(Bound.AT_MOST, _FIRST_FRAME_MS)
        rows = [BenchRow(Area.READING, "First frame", slowest, "ms", target=limit, note=f"slowest: {kind}")]
        for name, cold in self.cold_ms.items():
            note = "with loading its libraries, which the window does behind its first painting"
            if cold is None:
                note = "not measurable: a decoder was loaded before"
            rows.append(BenchRow(Area.READING, f"First clip of a process, {name}", cold, "ms", note=note))
        return rows


def measure(tell: Tell, quick: bool) -> Reading:
    """Make sample clips, read them, and read them by the obvious alternatives in turn."""
    extent = _QUICK if quick else _FULL
    cold = {kind: _cold_ms(name, library) for kind, name, library in _COLD}
    with tempfile.TemporaryDirectory(prefix="lsgui-reading-", ignore_cleanup_errors=True) as folder:
        tell("Making sample clips", 0.02)
        jpeg, others, movie = _samples(Path(folder), extent)
        tell("JPEG in DICOM", 0.3)
        jpeg_times = _beside_pydicom(jpeg, JPEG, extent, extent.pydicom_most_s)
        tell("Other DICOM", 0.6)
        other_times = tuple(_beside_pydicom(path, syntax, extent, None) for path, syntax in others)
        tell("Movies", 0.75)
        movie_times, frames = _beside_opencv(movie, extent.rounds)
        tell("First frames", 0.85)
        clips = {"DICOM JPEG": jpeg, "movie": movie} | {f"DICOM {s.title}": path for path, s in others}
        first = {kind: timed(_opener(path), _FIRST_ROUNDS).median_s * 1000.0 for kind, path in clips.items()}
        tell("Scrubbing", 0.9)
        scrubs = _scrubs(movie, extent.seeks)
    return Reading(jpeg_times, other_times, movie_times, frames, first, cold, scrubs)


_COLD = (("movie", "sliding.mp4", "cv2"), ("DICOM", "absent.dcm", "pydicom"))


def _cold_ms(name: str, library: str) -> float | None:
    """Return the time to the first frame of a demo clip, with loading what it needs; None if that was loaded before."""
    if library in sys.modules:
        return None
    begun = time.perf_counter()
    _opener(resources_dir() / "demo" / name)()
    return (time.perf_counter() - begun) * 1000.0


def _opener(path: Path) -> Callable[[], object]:
    def first_frame() -> object:
        from lsgui.readers.base import open_source

        with open_source(path) as source:
            return next(source)

    return first_frame


def _samples(folder: Path, extent: Extent) -> tuple[Path, list[tuple[Path, Syntax]], Path]:
    some = list(Pictures(extent.jpeg_frames, extent.simulated))
    jpeg = write_dicom(folder / "jpeg.dcm", some, JPEG)
    few = some[: extent.other_frames]
    others = [(write_dicom(folder / f"{n}.dcm", few, syntax), syntax) for n, syntax in enumerate(extent.others)]
    return jpeg, others, write_movie(folder / "movie.mp4", Pictures(extent.movie_frames, extent.simulated))


def _beside_pydicom(path: Path, syntax: Syntax, extent: Extent, most_s: float | None) -> SyntaxTimes:
    """Time both on one file. Only the long clip, whose seconds are said by `most_s`, goes without a run to warm up."""
    from pydicom import dcmread
    from pydicom.pixels.decoders.base import get_decoder

    from lsgui.readers.base import open_clip

    kept: dict[str, Any] = {}

    def by_pydicom() -> None:
        kept["theirs"] = dcmread(path).pixel_array

    def by_us() -> None:
        kept["ours"] = None
        kept["ours"] = open_clip(path)

    rounds, warm = (extent.rounds, 1) if most_s is None else (2, 0)
    if most_s is not None:
        _opener(path)()
    times = side_by_side(by_pydicom, by_us, rounds, warm=warm, most_s=most_s)
    clip, theirs = kept["ours"], kept["theirs"]
    difference = max(int(np.abs(clip.frame(k).astype(int) - _grey(theirs[k])).max()) for k in range(len(clip)))
    plugins = [] if syntax.encode is None else get_decoder(syntax.uid).available_plugins
    return SyntaxTimes(syntax.title, len(clip), plugins[0] if plugins else "numpy", difference, times)


def _grey(pixels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return luma of what pydicom gives: (height, width) or red-green-blue."""
    if pixels.ndim == 3:
        pixels = np.rint(pixels @ np.array([0.299, 0.587, 0.114]))
    return pixels.astype(np.int64)


def _beside_opencv(movie: Path, rounds: int) -> tuple[SideBySide, int]:
    from lsgui.readers.base import open_clip
    from lsgui.readers.movie import quiet_cv2

    cv2 = quiet_cv2()
    counts: list[int] = []

    def bare() -> None:
        capture = cv2.VideoCapture(str(movie), cv2.CAP_FFMPEG)
        while capture.read()[0]:
            pass
        capture.release()

    def by_us() -> None:
        counts.append(len(open_clip(movie)))

    return side_by_side(bare, by_us, rounds), counts[-1]


def _scrubs(movie: Path, seeks: int) -> tuple[Scrub, ...]:
    from lsgui.readers.base import open_clip

    whole, on_disk = open_clip(movie), open_clip(movie, budget_bytes=_ON_DISK_BUDGET)
    draw = np.random.default_rng(5)
    anywhere = draw.integers(len(whole), size=seeks).tolist()
    return (
        _scrubbed("from memory", whole.frame, anywhere),
        _scrubbed("from the temporary file", on_disk.frame, anywhere),
        _scrub_while_decoding(movie, draw),
    )


def _scrubbed(title: str, frame: Callable[[int], npt.NDArray[np.uint8]], asked: list[int]) -> Scrub:
    spent, wrong = [], 0
    for k in asked:
        begun = time.perf_counter()
        found = frame(k)
        spent.append((time.perf_counter() - begun) * 1000.0)
        wrong += number_in(found) != k
    return Scrub(title, len(spent), float(np.percentile(spent, 95)), max(spent), wrong)


def _scrub_while_decoding(movie: Path, draw: np.random.Generator) -> Scrub:
    """Ask for frames that are decoded already, now in memory, now on disk, while the rest is being decoded."""
    from lsgui.readers.base import open_source
    from lsgui.readers.frame_store import GrowingFrames

    store = GrowingFrames(HEIGHT, WIDTH, _ON_DISK_BUDGET)

    def decode() -> None:
        with open_source(movie) as source:
            for frame in source:
                store.append(frame)

    decoder = threading.Thread(target=decode, name="bench-decoding")
    decoder.start()
    scrubs: list[Scrub] = []
    spent: list[float] = []
    while decoder.is_alive():
        if ready := len(store):
            scrubs.append(_scrubbed("", store.frame, [int(draw.integers(ready))]))
            spent.append(scrubs[-1].worst_ms)
            time.sleep(0.005)  # a hand asks a few hundred times a second at most
    decoder.join()
    if not spent:
        scrubs, spent = [_scrubbed("", store.frame, [0])], [0.0]
    store.close()
    wrong = sum(scrub.wrong for scrub in scrubs)
    return Scrub("while decoding", len(spent), float(np.percentile(spent, 95)), max(spent), wrong)


def _dicom_row(clip: SyntaxTimes, target: float | None) -> BenchRow:
    return row_of(
        Area.READING,
        f"{clip.frames} DICOM frames, {clip.title}",
        clip.times,
        against=f"pydicom ({clip.plugin})",
        target=target,
        note=f"{WIDTH} x {HEIGHT}",
    )


def _scrub_row(scrub: Scrub) -> BenchRow:
    note = f"worst of {scrub.seeks} random frames; 95 % within {scrub.p95_ms:.2g} ms"
    if scrub.wrong:
        note += f"; {scrub.wrong} were not the frame asked for"
    return BenchRow(
        Area.READING,
        f"Scrubbing, {scrub.title}",
        scrub.worst_ms,
        "ms",
        target=Target(Bound.AT_MOST, _SCRUB_MS),
        note=note,
    )
