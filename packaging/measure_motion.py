"""Measure the motion index beside what else has been called a sign of sliding, and fit its weights.

Run from the project's root:
python packaging/measure_motion.py --real CLIPS [--seed S] [--clips N] [--jobs J] [--cache DIR] [--out FILE] [--fit]
Writes packaging/motion_index.json and prints tables. CLIPS is a folder of real clips with pleura.json; simulated clips
are those of seed S, which the weights have not seen. `--fit` prints the weights for `lsgui/imaging/motion_index.py`:
real and simulated clips, sliding and absent ones count alike.

Of real clips every patient is judged by weights fitted without that patient (simulated clips in the fit throughout).
An area under the curve compares the recorded sliding clips with the edits of one kind; its interval is the 95 %
bootstrap by patient, or by clip for simulations. Edited, recorded and simulated clips are never mixed in one figure.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from motion_cases import MEASURES, MotionCase, real_cases, simulated_cases
from sklearn.linear_model import LogisticRegression

from lsgui.core.atomic_file import write_atomic
from lsgui.imaging.motion_features import FEATURES
from lsgui.imaging.motion_index import EVEN, SLOPE, score_of

OUT = Path(__file__).with_name("motion_index.json")
NEW_SEED, NEW_CLIPS = 77_000, 100
FIT_SEEDS = ((1, 160), (501, 80), (3001, 100))
"""Seeds and numbers of the simulated clips that the weights are fitted to."""
PENALTY = 0.1
STILL, SLIDES = 0.35, 0.65
"""Below the first the index says absent, above the second sliding, as in the rule of the verdict."""
BOOTSTRAPS = 2000

Floats = npt.NDArray[np.float64]


class Weights:
    """A weighted sum of signs: `score` is above 0 where sliding is likelier than not on the clips of the fit."""

    def __init__(self, chosen: Sequence[MotionCase]) -> None:
        signs, absent = _signs(chosen), np.array([case.absent for case in chosen])
        self.usual = np.nanmean(signs, axis=0)
        spread = np.nanstd(signs, axis=0)
        model = LogisticRegression(C=PENALTY, max_iter=5000)
        weight = _even_weights(chosen)
        model.fit(np.nan_to_num((signs - self.usual) / spread), ~absent, sample_weight=weight / weight.mean())
        self.weight: Floats = model.coef_[0] / spread
        self.offset = float(model.intercept_[0])

    def score(self, chosen: Sequence[MotionCase]) -> Floats:
        """Return the score of clips, (n,)."""
        return np.asarray(np.nan_to_num(_signs(chosen) - self.usual) @ self.weight + self.offset)

    def text(self) -> str:
        """Return the program text of the constants."""
        pairs = zip(FEATURES, self.weight, self.usual, strict=True)
        rows = [f'    "{name}": ({weight:.4f}, {usual:.4f}),' for name, weight, usual in pairs]
        return "\n".join(["WEIGHTS: dict[str, tuple[float, float]] = {", *rows, "}", f"OFFSET = {self.offset:.4f}"])


def _signs(chosen: Sequence[MotionCase]) -> Floats:
    return np.array([case.signs for case in chosen], dtype=np.float64)


def _even_weights(chosen: Sequence[MotionCase]) -> Floats:
    """Return weights by which both groups, and in each both classes, count alike."""
    keys = [(case.group, case.absent) for case in chosen]
    return np.array([1.0 / keys.count(key) for key in keys])


def main() -> None:
    """Measure, print, write."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as passing:
        cache = asked.cache or Path(passing)
        real = real_cases(asked.real, cache, asked.jobs)
        taught = [c for seed, count in FIT_SEEDS for c in simulated_cases(seed, count, cache, asked.jobs)]
        if asked.fit:
            print(Weights([*real, *taught]).text())
            return
        fresh = simulated_cases(asked.seed, asked.clips, cache, asked.jobs)
    left_out = np.empty(len(real))
    for patient in {case.patient for case in real}:
        weights = Weights([*(case for case in real if case.patient != patient), *taught])
        mine = [k for k, case in enumerate(real) if case.patient == patient]
        left_out[mine] = weights.score([real[k] for k in mine])
    report = {
        "real": _real_report(real, left_out),
        "simulated": {"seed": asked.seed, **_simulated_report(fresh)},
    }
    write_atomic(asked.out, (json.dumps(report, indent=1) + "\n").encode("utf-8"))
    _print(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True, help="folder of real clips with pleura.json")
    parser.add_argument("--seed", type=int, default=NEW_SEED, help="seed of the simulated clips")
    parser.add_argument("--clips", type=int, default=NEW_CLIPS, help="how many of them")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cache", type=Path, help="folder that keeps what was measured")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--fit", action="store_true", help="print the weights and stop")
    return parser.parse_args()


def _real_report(real: Sequence[MotionCase], scores: Floats) -> dict[str, Any]:
    columns = {"motion index": scores, **_single(real)}
    sets = dict.fromkeys((case.kind, case.corruption) for case in real)
    out = {}
    for kind, corruption in sets:
        chosen = np.array([(case.kind, case.corruption) == (kind, corruption) for case in real])
        entry: dict[str, Any] = _shares(scores[chosen])
        if real[int(np.argmax(chosen))].absent:
            sliding = np.array([(case.kind, case.corruption) == ("original", corruption) for case in real])
            patients = np.array([case.patient for case in real])
            entry["auc"] = {
                name: _area(values[sliding], values[chosen], patients[sliding], patients[chosen])
                for name, values in columns.items()
            }
        out[f"{kind}, {corruption}" if corruption else kind] = entry
    return out


def _simulated_report(fresh: Sequence[MotionCase]) -> dict[str, Any]:
    scores = np.asarray(score_of(_signs(fresh)))
    absent = np.array([case.absent for case in fresh])
    own = np.arange(len(fresh))
    columns = {"motion index": scores, **_single(fresh)}
    areas = {n: _area(v[~absent], v[absent], own[~absent], own[absent]) for n, v in columns.items()}
    kinds = np.array([case.kind for case in fresh])
    scenarios = {
        f"{kind}, {'absent' if side else 'present'}": _shares(scores[(kinds == kind) & (absent == side)])
        for kind, side in sorted({(case.kind, case.absent) for case in fresh}, key=lambda s: (s[1], s[0]))
    }
    return {"clips": len(fresh), "absent": int(absent.sum()), "auc": areas, "scenarios": scenarios}


def _single(chosen: Sequence[MotionCase]) -> dict[str, Floats]:
    table = np.array([case.measures for case in chosen])
    return {name: np.nan_to_num(table[:, k], nan=float(np.nanmean(table[:, k]))) for k, name in enumerate(MEASURES)}


def _shares(scores: Floats) -> dict[str, Any]:
    index = 1.0 / (1.0 + np.exp(-(scores - EVEN) / SLOPE))
    return {
        "clips": len(scores),
        "present": int((index >= SLIDES).sum()),
        "aside": int(((index > STILL) & (index < SLIDES)).sum()),
        "absent": int((index <= STILL).sum()),
    }


def _area(sliding: Floats, absent: Floats, of_sliding: npt.NDArray[Any], of_absent: npt.NDArray[Any]) -> list[float]:
    """Return the area under the curve with the ends of its interval, drawn by patient (or clip, where each is one)."""
    won = (np.sign(sliding[:, None] - absent[None, :]) + 1.0) / 2.0
    names = np.unique(np.concatenate([of_sliding, of_absent]))
    left, right = ((names[:, None] == of[None, :]).astype(float) for of in (of_sliding, of_absent))
    wins, pairs = left @ won @ right.T, left @ np.ones_like(won) @ right.T
    drawn = np.random.default_rng(0).multinomial(len(names), [1.0 / len(names)] * len(names), BOOTSTRAPS)
    sums = [np.einsum("dp,pq,dq->d", drawn, table, drawn) for table in (wins, pairs)]
    areas = sums[0][sums[1] > 0] / sums[1][sums[1] > 0]
    return [round(float(v), 3) for v in (won.mean(), *np.percentile(areas, [2.5, 97.5]))]


def _print(report: dict[str, Any]) -> None:
    print("Real clips, weights fitted without the patient: called sliding / aside / absent; areas under the curve")
    print("set".ljust(24), "counts".ljust(12), *(name.ljust(18) for name in ("motion index", *MEASURES)))
    for name, entry in report["real"].items():
        print(name.ljust(24), _counts(entry).ljust(12), *_areas(entry))
    found = report["simulated"]
    print(f"\n{found['clips']} simulated clips of seed {found['seed']}, {found['absent']} absent")
    print("all".ljust(24), "".ljust(12), *_areas(found))
    for name, entry in found["scenarios"].items():
        print(name.ljust(24), _counts(entry))


def _counts(entry: dict[str, Any]) -> str:
    return f"{entry['present']} / {entry['aside']} / {entry['absent']}"


def _areas(entry: dict[str, Any]) -> list[str]:
    return [f"{value:.2f} [{low:.2f}-{high:.2f}]".ljust(18) for value, low, high in entry.get("auc", {}).values()]


if __name__ == "__main__":
    main()
