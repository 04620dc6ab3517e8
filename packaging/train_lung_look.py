"""Grow the trees that say whether a clip is a lung at all: resources/lung_look.json.

Run from the project's root:
python packaging/train_lung_look.py --real CLIPS --lungs FOLDER [--seed S] [--count N] [--cache FILE] [--out FILE]
CLIPS is the folder of recorded lungs with pleura.json, FOLDER a data set that `lsgui simulate` wrote (other seeds than
those of the measurement). What is no lung is made by misuse_cases.py for the seed. `--cache` keeps what was seen.

Lungs are seen whole, in halves, and mirrored left to right; recorded ones weigh more, for they are few. No threshold is
set on clips that the trees have seen: every group (a patient, a simulated clip, a kind of misuse) is judged by trees
grown without it, and the threshold refuses one in a hundred of the simulated lungs so judged and no recorded one.
"Unseen" in the file is what such trees said: of recorded lungs, a patient left out; of what is no lung, its kind left
out, so that it was as new to the trees as it will be to a reader's.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import sklearn
from misuse_cases import Plan, cases
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from train_pleura import PATIENTS, as_arrays

from lsgui.core.clip import Clip, MemoryFrames
from lsgui.core.resources import resources_dir
from lsgui.imaging.lung_judge import JUDGE_FILE, MOST_COLOUR
from lsgui.imaging.lung_look import FEATURES, can_be_seen, lung_look
from lsgui.imaging.scan_area import find_scan_area
from lsgui.readers.base import find_clips, open_clip

TREES = 220
GROUPS = 10
FRAMES = 150
TOLD_OTHERWISE = ("colour", "colour on lung", "colour on organ", "room and face", "still image")
"""Kinds that colour or stillness gives away."""
REFUSED_SIMULATED = 0.01
"""Share of simulated lungs, unseen, that the threshold may refuse."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was seen of one clip: its group, what it is made of, its kind ("lung" or what else), its signs."""

    group: str
    source: str
    kind: str
    signs: Array

    @property
    def is_lung(self) -> bool:
        """Whether it is a lung the right way up."""
        return self.kind == "lung"

    @property
    def weight(self) -> float:
        """How much it counts: recorded lungs are few, and none may be refused."""
        return 4.0 if self.is_lung and self.source == "recorded" else 1.0


def see(clip: Clip, group: str, source: str, kind: str) -> Iterator[Seen]:
    """Yield what is seen of a clip, where it can be seen and its colour has not given it away."""
    area = find_scan_area(clip)
    if clip.info.colour_share <= MOST_COLOUR and can_be_seen(clip, area):
        yield Seen(group, source, kind, lung_look(clip, area))


def part_of(clip: Clip, start: int, stop: int, *, mirrored: bool = False) -> Clip:
    """Return some frames of a clip."""
    frames = clip.stack(start, stop)
    frames = np.ascontiguousarray(frames[:, :, ::-1]) if mirrored else frames
    info = replace(clip.info, frames=len(frames), frame_times_s=None, region=None if mirrored else clip.info.region)
    return Clip(info, MemoryFrames(frames))


def lungs(folder: Path, most: int, source: str) -> Iterator[Seen]:
    """Yield what is seen of lungs: whole, in halves, and mirrored."""
    for path in find_clips(folder)[:most]:
        clip = open_clip(path)
        group = next((patient for patient in PATIENTS if path.name.startswith(patient)), path.stem)
        yield from see(clip, group, source, "lung")
        first = 16 if path.name.startswith("tuke") else 0
        if source == "recorded":
            middle = (first + len(clip)) // 2
            for start, stop in ((first, middle), (middle, len(clip))):
                yield from see(part_of(clip, start, min(stop, start + FRAMES)), group, source, "lung")
            yield from see(part_of(clip, first, first + FRAMES, mirrored=True), group, source, "lung")
        close = getattr(clip.store, "close", None)
        if close is not None:
            close()


def others(plan: Plan) -> Iterator[Seen]:
    """Yield what is seen of clips that are no lung."""
    for number, case in enumerate(cases(plan)):
        if case.source != "recorded" and case.kind not in TOLD_OTHERWISE:
            yield from see(case.make(), case.kind, case.source, case.kind)
        if number % 50 == 0:
            print(number, case.source, case.kind, flush=True)


def grow(clips: Sequence[Seen]) -> GradientBoostingClassifier:
    """Return trees grown on clips; lungs and all else weigh alike."""
    answer = np.array([clip.is_lung for clip in clips])
    weight = np.array([clip.weight for clip in clips])
    weight = weight / np.where(answer, weight[answer].sum(), weight[~answer].sum()) * len(clips) / 2
    trees = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=2, learning_rate=0.1, subsample=0.6, min_samples_leaf=8, random_state=0
    )
    return trees.fit(np.array([clip.signs for clip in clips]), answer, sample_weight=weight)


def unseen(clips: Sequence[Seen]) -> Array:
    """Return what trees grown without a clip's group say of it, the sum of the trees, (N,)."""
    names = sorted({clip.group for clip in clips if clip.is_lung})
    fold = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % GROUPS, strict=True))
    kinds = sorted({clip.kind for clip in clips if not clip.is_lung})
    fold |= dict(zip(kinds, np.random.default_rng(1).permutation(len(kinds)) % GROUPS, strict=True))
    total = np.zeros(len(clips))
    for held in range(GROUPS):
        trees = grow([clip for clip in clips if fold[clip.group] != held])
        out = [k for k, clip in enumerate(clips) if fold[clip.group] == held]
        if out:
            total[out] = trees.decision_function(np.array([clips[k].signs for k in out]))
    return total


def judge_of(clips: Sequence[Seen]) -> dict[str, Any]:
    """Return what `lung_judge` reads."""
    trees, total = grow(clips), unseen(clips)
    answer = np.array([clip.is_lung for clip in clips])
    recorded = np.array([clip.is_lung and clip.source == "recorded" for clip in clips])
    fit = LogisticRegression(C=1e3, class_weight="balanced").fit(total[:, None], answer)
    slope, offset = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    sure = 1.0 / (1.0 + np.exp(-(slope * total + offset)))
    least = min(float(np.quantile(sure[answer & ~recorded], REFUSED_SIMULATED)), float(sure[recorded].min()) * 0.8)
    first = float(np.log(trees.init_.class_prior_[1] / trees.init_.class_prior_[0]))
    told: dict[str, dict[str, list[int]]] = {}
    for clip, value in zip(clips, sure, strict=True):
        row = told.setdefault(clip.source, {}).setdefault(clip.kind, [0, 0])
        row[0] += int(value < least)
        row[1] += 1
    return {
        "features": list(FEATURES),
        **as_arrays(trees),
        "slope": round(slope, 5),
        "offset": round(offset + slope * first, 5),
        "least": round(least, 4),
        "unseen: refused, looked at": told,
    }


def main() -> None:
    """Grow the trees and write them."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--real", type=Path, required=True, help="folder of recorded lungs with pleura.json")
    ask.add_argument("--lungs", type=Path, required=True, help="folder that lsgui simulate wrote")
    ask.add_argument("--most", type=int, default=300, help="simulated lungs")
    ask.add_argument("--seed", type=int, default=9100)
    ask.add_argument("--count", type=int, default=24, help="clips of each kind of misuse")
    ask.add_argument("--cache", type=Path, help="keep what was seen in this file (.npz)")
    ask.add_argument("--out", type=Path, default=resources_dir() / JUDGE_FILE)
    options = ask.parse_args()
    cv2.setNumThreads(1)
    if options.cache is not None and options.cache.is_file():
        kept = np.load(options.cache)
        rows = zip(kept["group"], kept["source"], kept["kind"], kept["signs"], strict=True)
        clips = [Seen(str(group), str(source), str(kind), signs) for group, source, kind, signs in rows]
    else:
        clips = [
            *lungs(options.real, 1000, "recorded"),
            *lungs(options.lungs, options.most, "simulated"),
            *others(Plan(options.seed, options.count, options.real)),
        ]
        if options.cache is not None:
            columns = {name: np.array([getattr(clip, name) for clip in clips]) for name in ("group", "source", "kind")}
            np.savez(options.cache, signs=np.array([clip.signs for clip in clips]), **columns)
    content = {
        "command": f"python packaging/train_lung_look.py --real CLIPS --lungs FOLDER --most {options.most} "
        f"--seed {options.seed} --count {options.count}",
        "scikit_learn": sklearn.__version__,
        **judge_of(clips),
    }
    print(json.dumps({key: content[key] for key in ("least", "unseen: refused, looked at")}, indent=1))
    options.out.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
