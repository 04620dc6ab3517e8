"""Grow the trees that say how likely a line is the pleura: resources/pleura_finder.json.

Run from the project's root:
python packaging/train_pleura.py --real CLIPS [--seed S] [--clips N] [--without N] [--jobs J] [--out FILE]
Simulated clips with and without a pleural line (pleura_scenes.py) and recorded clips with pleura.json teach them. A
line counts as the pleura within 1.5 mm of it, as another beyond 2.5 mm. Every clip weighs the same; recorded clips
weigh twice, those on which no line could be drawn half. The confidence is scaled on clips that the trees had not seen,
five groups of them; all clips of one patient are in one group. The trees that ship were grown so on 242 clips with and
156 without a line, of seeds 7100, 7200, 7300 and 7400, and on the recorded clips: measure with other seeds.
"""

import argparse
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt
from measure_pleura import apart_px, chest_wall
from pleura_scenes import Scene, with_line, without_line
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from lsgui.core.clip import Clip
from lsgui.core.pleura import PleuralROI
from lsgui.core.resources import resources_dir
from lsgui.imaging.line_judge import JUDGE_FILE, WEIGHED
from lsgui.imaging.pleura_finder import seen_lines
from lsgui.imaging.scan_area import find_scan_area, picture_scale
from lsgui.readers.base import open_clip
from lsgui.simulation.dataset import CLIPS_PER_PATIENT

PLEURA_MM, OTHER_MM, RIGHT_MM = 1.5, 2.5, 2.0
GROUPS = 5
TREES = 150
LARGE = 1e9
PATIENTS = ("Reg_pat1", "Reg_pat2", "Reg_Image")
"""Recorded clips whose names begin alike come from one patient, or may."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """The lines of one clip: features (L, F), distance from the pleura (L,) in mm, infinite where there is none and
    nan where it is not known; the clip's group and weight.
    """

    group: str
    weight: float
    features: Array
    apart_mm: Array


def lines_of(scene: Scene, group: str, weight: float, span: tuple[int, int] | None = None) -> Taught:
    """Return the lines of a clip; outside `span` the drawn line is not known."""
    area = find_scan_area(scene.clip)
    lines = seen_lines(scene.clip, area, picture_scale(scene.clip.info, area))
    apart = np.full(len(lines), np.inf)
    for at, line in enumerate(lines):
        if scene.line is not None:
            truth = scene.line.line_at(line.frame)
            left, right = line.points[:, 0].min(), line.points[:, 0].max()
            known = right > truth[0, 0] and left < truth[-1, 0] and (span is None or span[0] <= line.frame < span[1])
            apart[at] = apart_px(line.points, truth) * scene.mm_per_px if known else np.nan
    return Taught(group, weight, np.array([line.features for line in lines]).reshape(-1, len(WEIGHED)), apart)


def simulated(make: Callable[[int, int], Scene], seed: int, index: int) -> Taught:
    """Return the lines of a simulated clip."""
    scene = make(seed, index)
    if scene.line is None:
        return lines_of(scene, scene.name, 1.5)
    return lines_of(scene, f"patient {index // CLIPS_PER_PATIENT}", 1.0)


def recorded(folder: Path) -> Iterator[Taught]:
    """Yield the lines of recorded clips and of chest walls cut out of them."""
    for name, entry in json.loads((folder / "pleura.json").read_text(encoding="utf-8")).items():
        clip: Clip = open_clip(folder / name)
        pitch, geometry = entry["mm_per_px"], find_scan_area(clip).geometry
        group = next((patient for patient in PATIENTS if name.startswith(patient)), name)
        if not entry["usable"]:
            doubtful = "muscle" not in entry["note"]
            yield lines_of(Scene(name, "", geometry, clip, pitch), group, 1.0 if doubtful else 4.0)
            continue
        line = PleuralROI.from_json(entry)
        yield lines_of(Scene(name, "", geometry, clip, pitch, line, line), group, 3.0, tuple(entry["window"]))
        wall = chest_wall(clip, line, pitch)
        if wall is not None:
            yield lines_of(Scene(name, "", geometry, wall, pitch), group, 3.0)


def grow(clips: Sequence[Taught]) -> GradientBoostingClassifier:
    """Return trees grown on all lines that are surely the pleura or surely not; both weigh the same in a clip."""
    rows, answers, weights = [], [], []
    for clip in clips:
        sure = (clip.apart_mm < PLEURA_MM) | (clip.apart_mm > OTHER_MM)
        answer = clip.apart_mm[sure] < PLEURA_MM
        counts = np.where(answer, answer.sum(), (~answer).sum())
        rows.append(clip.features[sure])
        answers.append(answer)
        weights.append(clip.weight / counts)
    trees = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=2, learning_rate=0.08, subsample=0.6, min_samples_leaf=20, random_state=0
    )
    return trees.fit(np.concatenate(rows), np.concatenate(answers), sample_weight=np.concatenate(weights))


def scaled(clips: Sequence[Taught]) -> tuple[float, float]:
    """Return slope and offset that make the sum of the trees, on unseen clips, the logarithm of the odds."""
    names = sorted({clip.group for clip in clips})
    fold = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % GROUPS, strict=True))
    sums, right = [], []
    for held in range(GROUPS):
        trees = grow([clip for clip in clips if fold[clip.group] != held])
        for clip in clips:
            if fold[clip.group] != held or not len(clip.features):
                continue
            total = trees.decision_function(clip.features)
            best = int(total.argmax())
            if not np.isnan(clip.apart_mm[best]):
                sums.append(total[best])
                right.append(clip.apart_mm[best] < RIGHT_MM)
    fit = LogisticRegression(C=1e3).fit(np.array(sums)[:, None], right)
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def as_arrays(trees: GradientBoostingClassifier) -> dict[str, list[list[float]]]:
    """Return the trees as `LineJudge` reads them."""
    out: dict[str, list[list[float]]] = {"feature": [], "threshold": [], "leaf": []}
    for tree in (estimator.tree_ for estimator in trees.estimators_[:, 0]):
        feature, threshold, leaf = [int(tree.feature[0])], [float(tree.threshold[0])], []
        for child in (tree.children_left[0], tree.children_right[0]):
            split = tree.feature[child] >= 0
            feature.append(int(tree.feature[child]) if split else 0)
            threshold.append(float(tree.threshold[child]) if split else LARGE)
            ends = (tree.children_left[child], tree.children_right[child]) if split else (child, child)
            leaf += [trees.learning_rate * float(tree.value[end, 0, 0]) for end in ends]
        for name, values in (("feature", feature), ("threshold", threshold), ("leaf", leaf)):
            out[name].append([round(value, 5) for value in values])
    return out


def main() -> None:
    """Grow the trees and write them."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--real", type=Path, required=True, help="folder of recorded clips with pleura.json")
    ask.add_argument("--seed", type=int, default=7100)
    ask.add_argument("--clips", type=int, default=250, help="clips with a line")
    ask.add_argument("--without", type=int, default=150, help="clips without a line")
    ask.add_argument("--jobs", type=int, default=1)
    ask.add_argument("--out", type=Path, default=resources_dir() / JUDGE_FILE)
    options = ask.parse_args()
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        clips = [
            *pool.map(simulated, repeat(with_line), repeat(options.seed), range(options.clips)),
            *pool.map(simulated, repeat(without_line), repeat(options.seed), range(options.without)),
        ]
    clips += recorded(options.real)
    trees = grow(clips)
    slope, offset = scaled(clips)
    first = float(np.log(trees.init_.class_prior_[1] / trees.init_.class_prior_[0]))
    found = {"features": list(WEIGHED), **as_arrays(trees), "slope": round(slope, 5),
             "offset": round(offset + slope * first, 5)}  # fmt: skip
    options.out.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
