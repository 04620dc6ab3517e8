"""Measure the pleura finder: how near, how often, how sure, and whether it refuses where there is no pleura.

Run from the project's root:
python packaging/measure_pleura.py [--seed S] [--clips N] [--without N] [--jobs J] [--real CLIPS] [--out FILE]
Writes packaging/pleura_finder.json and prints a table. Clips with a line are those of `lsgui simulate --seed S`; clips
without one are described in pleura_scenes.py. CLIPS is a folder of real clips with pleura.json. Every other simulated
clip says its scale; of the others the program estimates it, as it does of movies.

Distances are those of the found line's points from the true line, in millimetres, averaged over the clip's frames; a
clip counts as found where the program draws a line without being asked twice, as right where that line is on average
within 2 mm. The figures that ship are those of --seed 72000 --clips 40 --without 24 --real CLIPS. The trees that judge
the lines were grown on other seeds, but also on the recorded clips (train_pleura.py): what such trees say of recorded
clips that they have not seen is "unseen" in resources/pleura_finder.json.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pleura_scenes import Scene, with_line, without_line

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.pleura import PleuralROI, Polyline, resample_polyline
from lsgui.imaging.pleura_finder import ENOUGH, find_pleura
from lsgui.imaging.scan_area import find_scan_area, picture_scale
from lsgui.readers.base import open_clip

OUT = Path(__file__).with_name("pleura_finder.json")
NEW_SEED = 51_000
RIGHT_MM = 2.0
BINS = (0.0, 0.1, 0.3, 0.55, 0.7, 0.85, 0.95, 1.001)
CUT_ABOVE_MM = 3.0
"""How far above the drawn line a real clip is cut to get a chest wall without a pleura."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the finder said of one clip; `mean_mm` is None where there is no line to compare with.

    `confidence` is None where it saw nothing like a line; below `ENOUGH` the program refuses.
    """

    name: str
    scenario: str
    geometry: str
    calibrated: bool
    has_line: bool
    confidence: float | None
    mean_mm: float | None
    covered: float | None
    drift_mm: float | None
    seconds: float

    @property
    def found(self) -> bool:
        """Whether the program draws the line."""
        return self.confidence is not None and self.confidence >= ENOUGH

    @property
    def right(self) -> bool:
        """Whether the line, drawn or not, is that of the pleura."""
        return self.mean_mm is not None and self.mean_mm < RIGHT_MM


def away(line: Polyline, truth: Polyline) -> npt.NDArray[np.float64]:
    """Return how far 40 points of a line lie from the nearest place of another, in pixels, (40,)."""
    points = resample_polyline(line, 40)
    best = np.full(len(points), np.inf)
    for a, b in pairwise(truth):
        along = b - a
        part = np.clip(((points - a) @ along) / max(float(along @ along), 1e-9), 0.0, 1.0)
        best = np.minimum(best, np.hypot(*(points - a - part[:, None] * along).T))
    return best


def apart_px(line: Polyline, truth: Polyline) -> float:
    """Return the mean distance in pixels where both lines run; of all the line where they share nothing."""
    far = away(line, truth)
    x = resample_polyline(line, 40)[:, 0]
    beside = (x >= truth[:, 0].min()) & (x <= truth[:, 0].max())
    return float(far[beside].mean() if beside.any() else far.mean())


def covered_share(line: Polyline, visible: Polyline) -> float:
    """Return which part of the visible stretch a line runs over, 0 to 1."""
    left, right = max(line[0, 0], visible[0, 0]), min(line[-1, 0], visible[-1, 0])
    return float(max(right - left, 0.0) / max(visible[-1, 0] - visible[0, 0], 1e-6))


def judge(scene: Scene, span: tuple[int, int] | None = None) -> Outcome:
    """Return what the finder says of a clip, compared in the frames of `span` (all)."""
    begun = time.perf_counter()
    area = find_scan_area(scene.clip)
    scale = picture_scale(scene.clip.info, area)
    roi = find_pleura(scene.clip, area, scale, least_confidence=0.0)
    seconds = time.perf_counter() - begun
    mean_mm = covered = drift_mm = None
    if roi is not None and scene.line is not None and scene.visible is not None:
        start, stop = span or (0, len(scene.clip))
        frames = np.unique(np.linspace(start, stop - 1, 25).astype(int))
        apart = [apart_px(roi.line_at(k), scene.line.line_at(k)) * scene.mm_per_px for k in frames]
        mean_mm = round(float(np.mean(apart)), 3)
        drift_mm = round(max(apart) - min(apart), 3)
        covered = round(float(np.mean([covered_share(roi.line_at(k), scene.visible.line_at(k)) for k in frames])), 3)
    return Outcome(
        scene.name,
        scene.scenario,
        scene.geometry,
        scene.clip.info.spacing_mm is not None,
        scene.line is not None,
        None if roi is None else roi.confidence,
        mean_mm,
        covered,
        drift_mm,
        round(seconds, 2),
    )


def judge_simulated(make: Callable[[int, int], Scene], seed: int, index: int) -> Outcome:
    """Return the outcome of one simulated clip."""
    return judge(make(seed, index))


def real_outcomes(folder: Path) -> Iterable[Outcome]:
    """Return the outcomes of real clips: those with a drawn line, those without, and chest walls cut out of them."""
    for name, entry in json.loads((folder / "pleura.json").read_text(encoding="utf-8")).items():
        clip, pitch = open_clip(folder / name), entry["mm_per_px"]
        geometry = find_scan_area(clip).geometry
        if not entry["usable"]:
            yield judge(Scene(name, "no line drawn", geometry, clip, pitch))
            continue
        line = PleuralROI.from_json(entry)
        yield judge(Scene(name, "line drawn", geometry, clip, pitch, line, line), tuple(entry["window"]))
        wall = chest_wall(clip, line, pitch)
        if wall is not None:
            yield judge(Scene(name, "chest wall alone", geometry, wall, pitch))


def chest_wall(clip: Clip, line: PleuralROI, mm_per_px: float) -> Clip | None:
    """Return a clip cut off above its pleura; None where too little is left."""
    bottom = int(line.bounds()[1] - CUT_ABOVE_MM / mm_per_px)
    frames = np.ascontiguousarray(clip.stack(0, min(len(clip), 150))[:, : max(bottom, 0)])
    lit = np.flatnonzero(frames.max(axis=0).max(axis=1, initial=0) > 20)
    if not len(lit) or (lit[-1] - lit[0]) * mm_per_px < 8.0:
        return None
    info = clip.info
    spacing = (mm_per_px, mm_per_px)
    small = ClipInfo(info.path, "movie", len(frames), info.width, bottom, info.fps, "container", spacing_mm=spacing)
    return Clip(small, MemoryFrames(frames))


def figures(outcomes: Sequence[Outcome]) -> dict[str, float | int | None]:
    """Return what is said of a group of clips with a line."""
    drawn = [o for o in outcomes if o.found]
    apart = [o.mean_mm for o in drawn if o.mean_mm is not None]
    return {
        "clips": len(outcomes),
        "found": _share(drawn, outcomes),
        "found_and_right": _share([o for o in drawn if o.right], outcomes),
        "wrong_lines": sum(not o.right for o in drawn),
        "mean_mm": _rounded(np.mean, apart),
        "median_mm": _rounded(np.median, apart),
        "p95_mm": _rounded(lambda v: np.percentile(v, 95), apart),
        "covered": _rounded(np.mean, [o.covered for o in drawn if o.covered is not None]),
        "p95_drift_mm": _rounded(lambda v: np.percentile(v, 95), [o.drift_mm for o in drawn if o.drift_mm is not None]),
    }


def refusals(outcomes: Sequence[Outcome]) -> dict[str, float | int | None]:
    """Return what is said of a group of clips without a line."""
    drawn = [o for o in outcomes if o.found]
    return {
        "clips": len(outcomes),
        "refused": _share([o for o in outcomes if not o.found], outcomes),
        "highest_confidence": max((o.confidence for o in drawn if o.confidence is not None), default=None),
    }


def calibration(outcomes: Sequence[Outcome]) -> list[dict[str, float | int | None]]:
    """Return for steps of confidence how many of the lines, also those that are not drawn, are the pleura."""
    rows: list[dict[str, float | int | None]] = []
    for low, high in pairwise(BINS):
        lines = [o for o in outcomes if o.confidence is not None and low <= o.confidence < high]
        said = _rounded(np.mean, [o.confidence for o in lines if o.confidence is not None])
        rows.append({"from": low, "to": min(high, 1.0), "lines": len(lines), "confidence": said,
                     "right": _share([o for o in lines if o.right], lines)})  # fmt: skip
    return rows


def _share(part: Sequence[Outcome], whole: Sequence[Outcome]) -> float | None:
    return round(len(part) / len(whole), 3) if whole else None


def _rounded(of: Callable[[list[float]], np.floating], values: list[float]) -> float | None:
    return round(float(of(values)), 3) if values else None


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return all figures of simulated clips."""
    lined, bare = [o for o in outcomes if o.has_line], [o for o in outcomes if not o.has_line]
    groups: dict[str, list[Outcome]] = {"all": lined}
    for o in lined:
        groups.setdefault(o.geometry, []).append(o)
        groups.setdefault("calibrated" if o.calibrated else "scale estimated", []).append(o)
        groups.setdefault(o.scenario, []).append(o)
    empty: dict[str, list[Outcome]] = {"all": bare}
    for o in bare:
        empty.setdefault(o.geometry, []).append(o)
        empty.setdefault(o.scenario, []).append(o)
    return {
        "with_line": {name: figures(group) for name, group in groups.items()},
        "without_line": {name: refusals(group) for name, group in empty.items()},
        "calibration": calibration(outcomes),
        "seconds_a_clip": _rounded(np.median, [o.seconds for o in outcomes]),
    }


def table(found: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = [f"{'with a line':18}{'clips':>6}{'found':>7}{'right':>7}{'wrong':>6}{'mean':>7}{'median':>7}{'95 %':>7}"
             f"{'cover':>7}{'drift':>7}"]  # fmt: skip
    keys = ("clips", "found", "found_and_right", "wrong_lines", "mean_mm", "median_mm", "p95_mm", "covered",
            "p95_drift_mm")  # fmt: skip
    for name, row in found["with_line"].items():
        lines.append(
            f"{name:18}" + "".join(f"{_text(row[key]):>{6 if key in ('clips', 'wrong_lines') else 7}}" for key in keys)
        )
    lines.append(f"\n{'without a line':18}{'clips':>6}{'refused':>9}{'surest wrong line':>19}")
    for name, row in found["without_line"].items():
        lines.append(f"{name:18}{row['clips']:>6}{_text(row['refused']):>9}{_text(row['highest_confidence']):>19}")
    lines.append(f"\n{'confidence':18}{'lines':>6}{'said':>7}{'right':>7}")
    for row in found["calibration"]:
        said, right = _text(row["confidence"]), _text(row["right"])
        lines.append(f"{row['from']:.2f} to {row['to']:.2f}{row['lines']:>12}{said:>7}{right:>7}")
    return "\n".join(lines)


def _text(value: float | int | None) -> str:
    return "-" if value is None else str(value)


def main() -> None:
    """Measure all, write the figures and print the table."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--seed", type=int, default=NEW_SEED)
    ask.add_argument("--clips", type=int, default=100, help="clips with a line")
    ask.add_argument("--without", type=int, default=48, help="clips without a line")
    ask.add_argument("--jobs", type=int, default=1)
    ask.add_argument("--real", type=Path, help="folder of real clips with pleura.json")
    ask.add_argument("--out", type=Path, default=OUT)
    options = ask.parse_args()
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        made = [
            *pool.map(judge_simulated, repeat(with_line), repeat(options.seed), range(options.clips)),
            *pool.map(judge_simulated, repeat(without_line), repeat(options.seed), range(options.without)),
        ]
    found = summary(made)
    print(f"Seed {options.seed}; {found['seconds_a_clip']} s a clip; distances in mm\n{table(found)}")
    real = list(real_outcomes(options.real)) if options.real is not None else []
    for o in real:
        said = f"{o.confidence:.2f}" if o.confidence is not None else "none"
        print(f"{o.name:42}{o.scenario:18}{'drawn' if o.found else 'refused':9}{said:>6}{_text(o.mean_mm):>8}")
    if not real and options.out.is_file():
        real_rows = json.loads(options.out.read_text(encoding="utf-8")).get("real", [])
    else:
        real_rows = [asdict(o) for o in real]
    content = {"seed": options.seed, **found, "real": real_rows, "clips": [asdict(o) for o in made]}
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
