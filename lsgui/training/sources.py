"""Where training strips come from: the rows of a `dataset.csv`, and the simulator."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI, check_roi_fits, read_roi_file
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.scan_area import find_scan_area, picture_scale
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.inference.preparation import band_box
from lsgui.readers.base import open_clip
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.draw import random_spec
from lsgui.training.strip_windows import StripSource

COLUMNS = ("clip", "label", "patient", "source", "start", "stop", "roi")


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One row of a `dataset.csv`.

    Attributes
    ----------
    clip
        The clip's file or folder.
    label
        ls_a or ls_p.
    patient, source
        Who and where it comes from; clips of one patient never stand on both sides of a split.
    start, stop
        Frames start..stop-1 carry the label; None for the end.
    roi
        A ROI file, or a file with a mapping of clip name to ROI.
    """

    clip: Path
    label: SlidingLabel
    patient: str
    source: str
    start: int
    stop: int | None
    roi: Path


def read_dataset(folder: Path, index: Path | None = None) -> tuple[DatasetRow, ...]:
    """Read `folder/dataset.csv`, or the rows of `index` with paths that start at `folder`.

    Raises
    ------
    DatasetError
        One sentence that names the file and the row.
    """
    path = index or folder / "dataset.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise DatasetError(f"{path}: the data set cannot be read ({fault}): it needs a file dataset.csv.") from fault
    if not rows:
        raise DatasetError(f"{path} holds no clips: write one row a clip with the columns {', '.join(COLUMNS)}.")
    missing = [name for name in COLUMNS if name not in rows[0]]
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]}: it needs {', '.join(COLUMNS)}.")
    return tuple(_row(folder, path, number, row) for number, row in enumerate(rows, start=2))


def _row(folder: Path, path: Path, number: int, row: dict[str, str]) -> DatasetRow:
    clip = folder / row["clip"]
    if not clip.exists():
        raise DatasetError(f"{path}, line {number}: there is no clip {clip}.")
    try:
        label = SlidingLabel(row["label"])
        start = int(row["start"] or 0)
        stop = int(row["stop"]) if row["stop"] else None
    except ValueError as fault:
        raise DatasetError(
            f"{path}, line {number}: {fault}; a label is ls_a or ls_p, start and stop are frames."
        ) from fault
    if label is SlidingLabel.CANNOT_ASSESS:
        raise DatasetError(f"{path}, line {number}: a training clip is ls_a or ls_p, not cannot_assess.")
    return DatasetRow(clip, label, row["patient"] or row["clip"], row["source"], start, stop, folder / row["roi"])


@dataclass(frozen=True, slots=True, eq=False)
class LabelledClip:
    """The frames of a row around its pleural line, with all that cutting a strip needs.

    Attributes
    ----------
    frames
        (T, h, w) uint8, a box around the line; `roi` is in its pixels.
    """

    frames: npt.NDArray[np.uint8]
    roi: PleuralROI
    times_s: npt.NDArray[np.float64]
    mm_per_px: float
    calibrated: bool

    def strip(self, frames: npt.NDArray[np.uint8] | None = None) -> PleuralStrip:
        """Cut the strip of the clip, or of an edited version of its frames, exactly as when a clip is judged."""
        chosen = self.frames if frames is None else frames
        return cut_strip(chosen, (0, 0), self.times_s, self.roi, self.mm_per_px, self.calibrated)


def read_row(row: DatasetRow) -> LabelledClip:
    """Read the clip of a row.

    Raises
    ------
    LsguiError
        When the clip or its line cannot be used.
    """
    clip = open_clip(row.clip)
    roi = read_roi_file(row.roi, row.clip.name)
    check_roi_fits(roi, clip.info.width, clip.info.height, row.clip.name)
    scale = picture_scale(clip.info, find_scan_area(clip))
    stop = min(row.stop or len(clip), len(clip))
    if stop - row.start < 2:
        raise DatasetError(f"{row.clip.name}: frames {row.start} to {stop} are not a clip: correct start and stop.")
    box = band_box(clip, roi, scale.mm_per_px)
    keys = sorted({row.start, *(k for k, _ in roi.keyframes if row.start < k < stop)})
    moved = PleuralROI(tuple((k - row.start, roi.line_at(k) - np.array(box[:2])) for k in keys), roi.source)
    times = clip.info.times_s[row.start : stop]
    return LabelledClip(clip.stack(row.start, stop, box), moved, times - times[0], scale.mm_per_px, scale.calibrated)


def dataset_sources(rows: tuple[DatasetRow, ...]) -> Iterator[StripSource]:
    """Yield a source for every row. Sliding clips are those from which negatives are made."""
    for row in rows:
        strip = read_row(row).strip()
        absent = row.label is SlidingLabel.LS_A
        label = np.full((len(strip.times_s), strip.frames.shape[2]), float(absent), dtype=np.float32)
        edited = not absent and row.source != "simulated"
        yield StripSource(strip, row.patient, row.clip.name, row.source, label, edited)


def simulated_sources(count: int, seed: int, report: Callable[[int, int], None] | None = None) -> Iterator[StripSource]:
    """Yield strips of freshly simulated clips, half of them absent, cut with the scale error that real clips have.

    Parameters
    ----------
    report
        Called with (done, count) after each clip.
    """
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        label = SlidingLabel.LS_A if index % 2 else SlidingLabel.LS_P
        clip = simulate_clip(random_spec(rng, label), int(rng.integers(2**31)))
        times = np.arange(len(clip.frames)) / clip.fps
        scale = clip.mm_per_px * float(np.exp(rng.normal(0.0, 0.12)))
        strip = cut_strip(clip.frames, (0, 0), times, clip.roi, scale, calibrated=False)
        columns = np.linspace(0, clip.sliding.shape[1] - 1e-6, strip.frames.shape[2]).astype(int)
        absent = (~clip.sliding[:, columns]).astype(np.float32)
        name = f"simulated_{seed}_{index:04d}"
        yield StripSource(strip, name, name, "simulated", absent, edited=False)
        if report is not None:
            report(index + 1, count)
