"""Grow the trees that say how likely a line is the pleura: resources/pleura_finder.json.

Run from the project's root:
python packaging/train_pleura.py --real CLIPS [--seed S] [--clips N] [--without N] [--jobs J] [--out FILE]
The trees that ship are what `python packaging/train_pleura.py --real CLIPS --seed 8100 --clips 160 --without 100`
writes, the default, with CLIPS the recorded clips described in the file that it writes; it takes about seven minutes
of one core. The same command writes the same file: every random choice follows from the seed. Measure with other seeds.

Simulated clips with and without a pleural line (pleura_scenes.py) and recorded clips with pleura.json teach them. A
line counts as the pleura within 1.5 mm of it, as another beyond 2.5 mm. Simulated clips weigh once, those without a
line one and a half times; recorded clips and chest walls cut out of them three times, recorded muscle four times, other
clips on which no line could be drawn once. The confidence is scaled on clips that the trees had not seen, five groups
of them; all clips of one patient are in one group. What trees grown without a group said of its clips is written down
with the trees ("unseen": clips, how many got a line, how many of these the pleura).
"""

import argparse
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn
from measure_pleura import apart_px, chest_wall
from pleura_scenes import Scene, with_line, without_line
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from lsgui.core.clip import Clip
from lsgui.core.pleura import PleuralROI
from lsgui.core.resources import resources_dir
from lsgui.imaging.line_judge import JUDGE_FILE, WEIGHED
from lsgui.imaging.pleura_finder import ENOUGH, seen_lines
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
    nan where it is not known; the clip's group, kind ("simulated" or "recorded", with or without a line) and weight.
    """

    group: str
    kind: str
    weight: float
    features: Array
    apart_mm: Array


def lines_of(scene: Scene, group: str, origin: str, weight: float, span: tuple[int, int] | None = None) -> Taught:
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
    kind = f"{origin}, {'no line' if scene.line is None else 'line'}"
    return Taught(group, kind, weight, np.array([line.features for line in lines]).reshape(-1, len(WEIGHED)), apart)


def simulated(make: Callable[[int, int], Scene], seed: int, index: int) -> Taught:
    """Return the lines of a simulated clip."""
    scene = make(seed, index)
    if scene.line is None:
        return lines_of(scene, scene.name, "simulated", 1.5)
    return lines_of(scene, f"patient {index // CLIPS_PER_PATIENT}", "simulated", 1.0)


def recorded(folder: Path) -> Iterator[Taught]:
    """Yield the lines of recorded clips and of chest walls cut out of them."""
    for name, entry in json.loads((folder / "pleura.json").read_text(encoding="utf-8")).items():
        clip: Clip = open_clip(folder / name)
        pitch, geometry = entry["mm_per_px"], find_scan_area(clip).geometry
        group = next((patient for patient in PATIENTS if name.startswith(patient)), name)
        if not entry["usable"]:
            doubtful = "muscle" not in entry["note"]
            yield lines_of(Scene(name, "", geometry, clip, pitch), group, "recorded", 1.0 if doubtful else 4.0)
            continue
        line = PleuralROI.from_json(entry)
        yield lines_of(
            Scene(name, "", geometry, clip, pitch, line, line), group, "recorded", 3.0, tuple(entry["window"])
        )
        wall = chest_wall(clip, line, pitch)
        if wall is not None:
            yield lines_of(Scene(name, "", geometry, wall, pitch), group, "recorded", 3.0)


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


@dataclass(frozen=True, slots=True)
class Surest:
    """The surest line of a clip that the trees had not seen: kind of the clip, sum of the trees, distance in mm."""

    kind: str
    total: float
    apart_mm: float


def surest_unseen(clips: Sequence[Taught]) -> list[Surest]:
    """Return of each clip with lines the surest, by trees that were grown without the clip's group."""
    names = sorted({clip.group for clip in clips})
    fold = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % GROUPS, strict=True))
    found = []
    for held in range(GROUPS):
        trees = grow([clip for clip in clips if fold[clip.group] != held])
        for clip in clips:
            if fold[clip.group] == held and len(clip.features):
                total = trees.decision_function(clip.features)
                best = int(total.argmax())
                found.append(Surest(clip.kind, float(total[best]), float(clip.apart_mm[best])))
    return found


def scaled(lines: Sequence[Surest]) -> tuple[float, float]:
    """Return slope and offset that make the sum of the trees the logarithm of the odds."""
    known = [line for line in lines if not np.isnan(line.apart_mm)]
    right = [line.apart_mm < RIGHT_MM for line in known]
    fit = LogisticRegression(C=1e3).fit(np.array([line.total for line in known])[:, None], right)
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def told(lines: Sequence[Surest], slope: float, offset: float) -> dict[str, dict[str, int]]:
    """Return by kind of clip in how many a line would be drawn, and in how many of these the pleura."""
    out: dict[str, dict[str, int]] = {}
    for line in lines:
        row = out.setdefault(line.kind, {"clips": 0, "drawn": 0, "right": 0})
        drawn = 1.0 / (1.0 + np.exp(-(slope * line.total + offset))) >= ENOUGH
        row["clips"] += 1
        row["drawn"] += int(drawn)
        row["right"] += int(drawn and line.apart_mm < RIGHT_MM)
    return dict(sorted(out.items()))


def judge_of(clips: Sequence[Taught]) -> dict[str, Any]:
    """Return what `line_judge` reads: the trees, how they are scaled, and what was told of clips not seen."""
    trees, unseen = grow(clips), surest_unseen(clips)
    slope, offset = scaled(unseen)
    first = float(np.log(trees.init_.class_prior_[1] / trees.init_.class_prior_[0]))
    return {
        "features": list(WEIGHED),
        **as_arrays(trees),
        "slope": round(slope, 5),
        "offset": round(offset + slope * first, 5),
        "unseen": told(unseen, slope, offset),
    }


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
    ask.add_argument("--seed", type=int, default=8100)
    ask.add_argument("--clips", type=int, default=160, help="clips with a line")
    ask.add_argument("--without", type=int, default=100, help="clips without a line")
    ask.add_argument("--jobs", type=int, default=1)
    ask.add_argument("--out", type=Path, default=resources_dir() / JUDGE_FILE)
    options = ask.parse_args()
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        clips = [
            *pool.map(simulated, repeat(with_line), repeat(options.seed), range(options.clips)),
            *pool.map(simulated, repeat(without_line), repeat(options.seed), range(options.without)),
        ]
    clips += recorded(options.real)
    command = f"python packaging/train_pleura.py --real CLIPS --seed {options.seed} --clips {options.clips} "
    content = {
        "command": command + f"--without {options.without}",
        "scikit_learn": sklearn.__version__,
        "recorded": sorted(json.loads((options.real / "pleura.json").read_text(encoding="utf-8"))),
        **judge_of(clips),
    }
    print(json.dumps(content["unseen"], indent=1))
    options.out.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
