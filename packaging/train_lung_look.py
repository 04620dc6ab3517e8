"""Grow the trees that say whether a clip is a lung at all: resources/lung_look.json.

Run from the project's root:
python packaging/train_lung_look.py --real CLIPS --lungs FOLDER [--seed S] [--count N] [--cache FILE] [--out FILE]
CLIPS is the folder of recorded lungs with pleura.json, FOLDER a data set that `lsgui simulate` wrote (other seeds than
those of the measurement). What is no lung is made by misuse_cases.py for the seed. `--cache` keeps what was seen.

Lungs, and what is none, are seen whole and in a short cut, for by its length no clip must be told; recorded lungs also
in several cuts, in halves, mirrored left to right, and as another screen, gain or crop would show them, and they weigh
more, for they are few. No threshold is set on clips that the trees have seen: every group (a patient, a simulated clip,
a kind of misuse) is judged by trees grown without it, and the threshold is the highest that refuses no whole recorded
lung whose line can be drawn, one in twenty of the views of such lungs and one in fifty of the simulated ones, even odds
at most. It is therefore fitted to these few recordings. "Unseen" in the file is what these said: of recorded lungs,
a patient left out; of what is no lung, its kind left out, so that it was as new to the trees as a reader's would be.
The rule for beating tissue (lung_judge.py) is not counted there.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import sklearn
from misuse_cases import Case, Plan, cases
from sklearn.ensemble import GradientBoostingClassifier
from train_pleura import PATIENTS, as_arrays

from lsgui.core.clip import Clip, MemoryFrames
from lsgui.core.resources import resources_dir
from lsgui.imaging.lung_judge import JUDGE_FILE, MOST_COLOUR
from lsgui.imaging.lung_look import FEATURES, can_be_seen, lung_look
from lsgui.imaging.scan_area import find_scan_area
from lsgui.imaging.usable_range import usable_range
from lsgui.readers.base import find_clips, open_clip

TREES, BAGS = 220, 3
GROUPS = 10
FRAMES = 150
RECORDED_AGAIN = 5
"""Times that each recorded lung is shown as another screen would, and that a short cut of it is shown."""
CUT_S = (0.8, 3.3)
"""Length of a cut, by which a lung must not be told from what is none."""
TOLD_OTHERWISE = ("colour", "colour on lung", "colour on organ", "room and face", "still image")
"""Kinds that colour or stillness gives away."""
REFUSED_SIMULATED, REFUSED_RECORDED = 0.02, 0.05
MARGIN = 0.05
"""Share of simulated lungs, and of views of recorded ones, unseen, that the threshold may refuse, and how far under the
lowest whole recorded lung it lies."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was seen of one clip: its group, what it is made of, its kind ("lung" or what else), its signs, its name;
    and in which way it was shown: whole, cut, a half, mirrored, elsewhere.
    """

    group: str
    source: str
    kind: str
    signs: Array
    name: str = ""
    way: str = "whole"

    @property
    def is_lung(self) -> bool:
        """Whether it is a lung the right way up."""
        return self.kind == "lung"

    @property
    def weight(self) -> float:
        """How much it counts: recorded lungs are few."""
        if not (self.is_lung and self.source == "recorded"):
            return 1.0
        return 2.0 if self.way.startswith(("elsewhere", "cut")) else 5.0


class Kept:
    """What was seen before, by name, in a file: making a thousand clips takes long."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._signs: dict[str, list[float]] = {}
        if file is not None and file.is_file():
            self._signs = json.loads(file.read_text(encoding="utf-8"))

    def or_seen(
        self, name: str, group: str, source: str, kind: str, make: Callable[[], Clip], way: str = "whole"
    ) -> Iterator[Seen]:
        """Yield what is seen of a clip, which is made where it was not seen before."""
        if name not in self._signs:
            self._signs[name] = [v for seen in see(make(), group, source, kind) for v in seen.signs.tolist()]
            if len(self._signs) % 20 == 0:
                print(len(self._signs), name, flush=True)
                self.save()
        if self._signs[name]:
            yield Seen(group, source, kind, np.array(self._signs[name]), name, way)

    def save(self) -> None:
        """Write what was seen."""
        if self._file is not None:
            self._file.write_text(json.dumps(self._signs), encoding="utf-8")


def see(clip: Clip, group: str, source: str, kind: str) -> Iterator[Seen]:
    """Yield what is seen of a clip, where it can be seen and its colour has not given it away."""
    area = find_scan_area(clip)
    if clip.info.colour_share <= MOST_COLOUR and can_be_seen(clip, area):
        yield Seen(group, source, kind, lung_look(clip, area))


def part_of(clip: Clip, first: float, last: float, *, mirrored: bool = False) -> Clip:
    """Return the frames between two parts of a clip, `FRAMES` at most; black ones before it are left out."""
    start, stop = usable_range(clip)
    begin = start + round(first * (stop - start))
    frames = clip.stack(begin, min(start + round(last * (stop - start)), begin + FRAMES))
    frames = np.ascontiguousarray(frames[:, :, ::-1]) if mirrored else frames
    info = replace(clip.info, frames=len(frames), frame_times_s=None, region=None if mirrored else clip.info.region)
    return Clip(info, MemoryFrames(frames))


def cut_of(clip: Clip, rng: np.random.Generator) -> Clip:
    """Return a short stretch of a clip, wherever it lies."""
    start, stop = usable_range(clip)
    count = min(max(round(float(rng.uniform(*CUT_S)) * clip.info.fps), 6), stop - start)
    first = int(rng.integers(start, stop - count + 1))
    frames = clip.stack(first, first + count)
    return Clip(replace(clip.info, frames=count, frame_times_s=None), MemoryFrames(frames))


def as_elsewhere(clip: Clip, rng: np.random.Generator) -> Clip:
    """Return a clip as another screen, gain, crop or recorder would show it: a lung all the same."""
    frames = part_of(clip, 0.0, 1.0).stack()
    height, width = frames.shape[1:]
    left, top, right = (int(rng.integers(0, max(side // 10, 1))) for side in (width, height // 2, width))
    frames = frames[:, top:, left : width - right]
    gamma, gain, lift = rng.uniform(0.7, 1.4), rng.uniform(0.7, 1.3), rng.uniform(-15, 10)
    table = np.clip(255.0 * gain * (np.arange(256) / 255.0) ** gamma + lift * (np.arange(256) > 12), 0, 255)
    scale, blur, quality = rng.uniform(0.6, 1.4), rng.uniform(0.0, 1.0), int(rng.integers(35, 95))
    size = tuple(max(int(side * scale) // 2 * 2, 80) for side in frames.shape[:0:-1])
    turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), float(rng.uniform(-6, 6)), 1.0)
    out = []
    for frame in frames:
        shown = cv2.resize(table.astype(np.uint8)[frame], size, interpolation=cv2.INTER_AREA)
        shown = cv2.warpAffine(cv2.GaussianBlur(shown, (0, 0), blur + 0.01), turn, size)
        out.append(cv2.imdecode(cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0))
    made = np.stack(out)
    info = replace(
        clip.info, frames=len(made), width=size[0], height=size[1], region=None, spacing_mm=None, frame_times_s=None
    )
    return Clip(info, MemoryFrames(made))


def lungs(folder: Path, most: int, source: str, kept: Kept) -> Iterator[Seen]:
    """Yield what is seen of lungs: whole; recorded ones in halves, mirrored, and as other screens show them, too."""
    for path in find_clips(folder)[:most]:
        group = next((patient for patient in PATIENTS if path.name.startswith(patient)), path.stem)
        rng = np.random.default_rng([17, *path.name.encode()])
        ways: dict[str, Callable[[Clip], Clip]] = {"whole": lambda clip: clip, "cut": partial(cut_of, rng=rng)}
        if source == "recorded":
            ways |= {
                "first half": lambda clip: part_of(clip, 0.0, 0.5),
                "second half": lambda clip: part_of(clip, 0.5, 1.0),
                "mirrored": lambda clip: part_of(clip, 0.0, 1.0, mirrored=True),
            }
            for number in range(RECORDED_AGAIN):
                rng = np.random.default_rng([number, *path.name.encode()])
                ways[f"elsewhere {number}"] = partial(as_elsewhere, rng=rng)
                ways[f"cut {number}"] = partial(cut_of, rng=np.random.default_rng([18, number, *path.name.encode()]))
        for way, shown in ways.items():
            make = partial(_shown, path, shown)
            yield from kept.or_seen(f"{source} {folder.name} {path.name} {way}", group, source, "lung", make, way)


def _shown(path: Path, way: Callable[[Clip], Clip]) -> Clip:
    clip = way(open_clip(path))
    return Clip(clip.info, MemoryFrames(clip.stack()))


def others(plan: Plan, kept: Kept) -> Iterator[Seen]:
    """Yield what is seen of clips that are no lung."""
    for case in cases(plan):
        if case.source != "recorded" and case.kind not in TOLD_OTHERWISE:
            yield from kept.or_seen(case.name, case.kind, case.source, case.kind, case.make)
            if not case.origin.startswith("soft"):
                cut = partial(_cut_case, case)
                yield from kept.or_seen(f"{case.name} cut", case.kind, case.source, case.kind, cut, "cut")


def _cut_case(case: Case) -> Clip:
    return cut_of(case.make(), np.random.default_rng([19, *case.name.encode()]))


def grow(clips: Sequence[Seen]) -> list[GradientBoostingClassifier]:
    """Return bags of trees grown on clips; lungs and all else weigh alike."""
    answer = np.array([clip.is_lung for clip in clips])
    weight = np.array([clip.weight for clip in clips])
    weight = weight / np.where(answer, weight[answer].sum(), weight[~answer].sum()) * len(clips) / 2
    signs = np.array([clip.signs for clip in clips])
    bags = [
        GradientBoostingClassifier(
            n_estimators=TREES, max_depth=2, learning_rate=0.1, subsample=0.5, min_samples_leaf=20, random_state=bag
        )
        for bag in range(BAGS)
    ]
    return [trees.fit(signs, answer, sample_weight=weight) for trees in bags]


def total_of(bags: Sequence[GradientBoostingClassifier], clips: Sequence[Seen]) -> Array:
    """Return the logarithm of the odds that clips are lungs, (N,)."""
    signs = np.array([clip.signs for clip in clips])
    return np.asarray(np.mean([trees.decision_function(signs) for trees in bags], axis=0))


def unseen(clips: Sequence[Seen]) -> Array:
    """Return what trees grown without a clip's group say of it, (N,); no two recorded groups are left out together."""
    patients = sorted({clip.group for clip in clips if clip.is_lung and clip.source == "recorded"})
    folds = max(len(patients), GROUPS)
    fold = {patient: number for number, patient in enumerate(patients)}
    names = sorted({clip.group for clip in clips if clip.is_lung} - set(patients))
    fold |= dict(zip(names, np.random.default_rng(0).permutation(len(names)) % folds, strict=True))
    kinds = sorted({clip.kind for clip in clips if not clip.is_lung})
    fold |= dict(zip(kinds, np.random.default_rng(1).permutation(len(kinds)) % folds, strict=True))
    total = np.zeros(len(clips))
    for held in range(folds):
        bags = grow([clip for clip in clips if fold[clip.group] != held])
        out = [k for k, clip in enumerate(clips) if fold[clip.group] == held]
        if out:
            total[out] = total_of(bags, [clips[k] for k in out])
    return total


def least_of(clips: Sequence[Seen], total: Array, drawable: Sequence[str]) -> float:
    """Return the odds under which a clip is refused: see the head of this file."""
    simulated = [value for clip, value in zip(clips, total, strict=True) if clip.is_lung and clip.source == "simulated"]
    recorded = {
        clip.name: (clip.way, value)
        for clip, value in zip(clips, total, strict=True)
        if clip.is_lung and clip.source == "recorded" and any(f" {name} " in clip.name for name in drawable)
    }
    whole = [value for way, value in recorded.values() if way == "whole"]
    views = np.quantile([value for _, value in recorded.values()], REFUSED_RECORDED)
    return float(min(np.quantile(simulated, REFUSED_SIMULATED), views, min(whole) - MARGIN, 0.0))


def judge_of(clips: Sequence[Seen], drawable: Sequence[str]) -> dict[str, Any]:
    """Return what `lung_judge` reads; `drawable` are the recorded lungs whose pleural line can be drawn."""
    bags, total = grow(clips), unseen(clips)
    least = least_of(clips, total, drawable)
    told: dict[str, dict[str, list[int]]] = {}
    for clip, value in zip(clips, total, strict=True):
        way = clip.way.split(" ")[0]
        kind = f"lung, {way}" if clip.is_lung else f"{clip.kind}, cut" if way == "cut" else clip.kind
        row = told.setdefault(clip.source, {}).setdefault(kind, [0, 0])
        row[0] += int(value < least)
        row[1] += 1
    refused = [clip.name for clip, v in zip(clips, total, strict=True) if clip.is_lung and v < least]
    arrays: dict[str, list[list[float]]] = {"feature": [], "threshold": [], "leaf": []}
    for trees in bags:
        own = as_arrays(trees)
        own["leaf"] = [[round(leaf / BAGS, 6) for leaf in row] for row in own["leaf"]]
        for name, rows in own.items():
            arrays[name] += rows
    first = [float(np.log(trees.init_.class_prior_[1] / trees.init_.class_prior_[0])) for trees in bags]
    return {
        "features": list(FEATURES),
        **arrays,
        "slope": 1.0,
        "offset": round(float(np.mean(first)), 5),
        "least": round(float(1.0 / (1.0 + np.exp(-least))), 4),
        "unseen: refused, looked at": told,
        "unseen: refused whole lungs": [name for name in refused if name.endswith("whole")],
    }


def main() -> None:
    """Grow the trees and write them."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--real", type=Path, required=True, help="folder of recorded lungs with pleura.json")
    ask.add_argument("--lungs", type=Path, required=True, help="folder that lsgui simulate wrote")
    ask.add_argument("--most", type=int, default=300, help="simulated lungs")
    ask.add_argument("--seed", type=int, default=9100)
    ask.add_argument("--count", type=int, default=24, help="clips of each kind of misuse")
    ask.add_argument("--cache", type=Path, help="keep what was seen in this file (.json)")
    ask.add_argument("--out", type=Path, default=resources_dir() / JUDGE_FILE)
    options = ask.parse_args()
    cv2.setNumThreads(1)
    kept = Kept(options.cache)
    clips = [
        *lungs(options.real, 1000, "recorded", kept),
        *lungs(options.lungs, options.most, "simulated", kept),
        *others(Plan(options.seed, options.count, options.real), kept),
    ]
    kept.save()
    lines = json.loads((options.real / "pleura.json").read_text(encoding="utf-8"))
    drawable = [name for name, entry in lines.items() if entry["usable"]]
    content = {
        "command": f"python packaging/train_lung_look.py --real CLIPS --lungs FOLDER --most {options.most} "
        f"--seed {options.seed} --count {options.count}",
        "scikit_learn": sklearn.__version__,
        **judge_of(clips, drawable),
    }
    print(json.dumps({key: content[key] for key in content if key.startswith(("least", "unseen"))}, indent=1))
    options.out.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
