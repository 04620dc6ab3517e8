"""Leave one patient out: train on all others, judge the patient's clips and edits of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from lsgui.core.pleura import PleuralROI
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.motion_index import motion_index
from lsgui.imaging.strip_cutter import strip_grid
from lsgui.inference.strip_scoring import score_windows
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.simulation.edited_clip import CLIP_EDITS, edit_clip
from lsgui.training.sources import DatasetRow, LabelledClip, read_row
from lsgui.training.strip_windows import StripSource

ABSENT_EDITS = ("frozen", "hard", "hard_pulse", "mirror")
PRESENT = ("original", "sham")
BOOTSTRAPS = 2000


@dataclass(frozen=True, slots=True)
class ClipScore:
    """What was said of one clip or edit: the network's logit and the motion index (None: not measured)."""

    clip: str
    patient: str
    kind: str
    logit: float
    index: float | None


def edited_strips(row: DatasetRow) -> dict[str, PleuralStrip]:
    """Return the strip of a sliding clip and of every edit of it.

    The edits are made in the pictures and cut anew, wall following included: nothing is shared with the edits that
    training makes in strip space.
    """
    labelled = read_row(row)
    strip = labelled.strip()
    strips = {"original": strip}
    wall = wall_in_pixels(strip, labelled.roi, labelled.mm_per_px)
    for kind in CLIP_EDITS:
        strips[kind] = labelled.strip(_edited(kind, labelled, wall, strip.fps))
    return strips


def _edited(kind: str, labelled: LabelledClip, wall: npt.NDArray[np.float64], fps: float) -> npt.NDArray[np.uint8]:
    chosen = next(edit for edit in CLIP_EDITS if edit == kind)
    return edit_clip(chosen, labelled.frames, labelled.roi, wall, labelled.mm_per_px, fps, seed=1)


def wall_in_pixels(strip: PleuralStrip, roi: PleuralROI, mm_per_px: float) -> npt.NDArray[np.float64]:
    """Return the displacement (x, y) of the chest wall against the pleural line in pixels, (T, 2)."""
    out = np.empty((len(strip.times_s), 2))
    for index, (along, across) in enumerate(strip.wall_shift_mm / mm_per_px):
        grid = strip_grid(roi.line_at(index), strip.frames.shape[2], mm_per_px)
        out[index] = along * grid.tangent.mean(axis=0) + across * grid.normal.mean(axis=0)
    return out


def clip_logit(network: CmwruStrip, strip: PleuralStrip) -> float:
    """Return the logit of a whole clip, as the verdict takes it: mean over the line, median over the windows."""
    logits = np.concatenate(list(score_windows(network, strip, "cpu")))
    return float(np.median(logits.mean(axis=1)))


def judge(network: CmwruStrip, row: DatasetRow, strips: dict[str, PleuralStrip]) -> list[ClipScore]:
    """Judge a clip and its edits."""
    return [
        ClipScore(row.clip.name, row.patient, kind, clip_logit(network, strip), motion_index(strip).index)
        for kind, strip in strips.items()
    ]


def leave_one_out(
    rows: Sequence[DatasetRow],
    extra: Sequence[StripSource],
    train: Callable[[Sequence[StripSource], str], CmwruStrip],
    done: Callable[[str, list[ClipScore]], None],
) -> list[ClipScore]:
    """Train once for every patient without that patient, and return the scores of all.

    Parameters
    ----------
    rows
        Sliding clips.
    extra
        Sources that every fold trains on, such as simulated strips.
    train
        (sources, name of the fold) to a network.
    done
        Called with the patient and its scores after each fold.
    """
    strips = {row.clip: edited_strips(row) for row in rows}
    sources = {
        row.clip: StripSource(
            strips[row.clip]["original"],
            row.patient,
            row.clip.name,
            row.source,
            np.zeros(strips[row.clip]["original"].frames.shape[::2], dtype=np.float32),
            edited=True,
        )
        for row in rows
    }
    scores: list[ClipScore] = []
    for patient in dict.fromkeys(row.patient for row in rows):
        network = train([*(sources[row.clip] for row in rows if row.patient != patient), *extra], patient)
        found = [score for row in rows if row.patient == patient for score in judge(network, row, strips[row.clip])]
        scores += found
        done(patient, found)
    return scores


def summary(scores: Sequence[ClipScore], abstain_logit: tuple[float, float]) -> dict[str, object]:
    """Return counts and areas under the curve of the network and of the motion index, by kind of clip.

    Areas compare originals with each kind of edit; the interval is the 95 % bootstrap by patient.
    """
    low, high = abstain_logit
    out: dict[str, object] = {}
    originals = [s for s in scores if s.kind == "original"]
    for kind in (*PRESENT, *ABSENT_EDITS):
        chosen = [s for s in scores if s.kind == kind]
        logits = np.array([s.logit for s in chosen])
        entry: dict[str, object] = {
            "clips": len(chosen),
            "patients": len({s.patient for s in chosen}),
            "called_present": int((logits < low).sum()),
            "set_aside": int(((logits >= low) & (logits <= high)).sum()),
            "called_absent": int((logits > high).sum()),
        }
        if kind in ABSENT_EDITS:
            entry["auc"] = _area(originals, chosen, lambda s: s.logit)
            entry["auc_motion_index"] = _area(originals, chosen, lambda s: -(s.index or 0.0))
        out[kind] = entry
    return out


def _area(
    present: Sequence[ClipScore], absent: Sequence[ClipScore], value: Callable[[ClipScore], float]
) -> dict[str, float]:
    rng = np.random.default_rng(0)
    patients = sorted({s.patient for s in present})

    def area(picked: Sequence[str]) -> float:
        good = [value(s) for patient in picked for s in present if s.patient == patient]
        bad = [value(s) for patient in picked for s in absent if s.patient == patient]
        return float(roc_auc_score([0] * len(good) + [1] * len(bad), good + bad))

    draws = [area(list(rng.choice(patients, len(patients)))) for _ in range(BOOTSTRAPS)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"value": round(area(patients), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def judge_simulated(network: CmwruStrip, sources: Iterable[StripSource]) -> dict[str, object]:
    """Return how network and motion index tell freshly simulated clips apart, by the label of most of their line.

    Areas carry a 95 % bootstrap interval by clip.
    """
    scores = [
        ClipScore(
            s.clip, s.patient, "absent" if s.absent.mean() > 0.5 else "present", clip_logit(network, s.strip), index
        )
        for s in sources
        if (index := motion_index(s.strip).index) is not None
    ]
    absent = np.array([s.kind == "absent" for s in scores])
    by_network = np.array([s.logit for s in scores])
    by_index = np.array([-(s.index or 0.0) for s in scores])
    return {
        "clips": len(scores),
        "absent": int(absent.sum()),
        "auc": _bootstrapped_area(absent, by_network),
        "auc_motion_index": _bootstrapped_area(absent, by_index),
        "accuracy_at_threshold": round(float(((by_network > 0) == absent).mean()), 4),
    }


def _bootstrapped_area(absent: npt.NDArray[np.bool_], values: npt.NDArray[np.float64]) -> dict[str, float]:
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(values), size=len(values)) for _ in range(BOOTSTRAPS)]
    areas = [roc_auc_score(absent[d], values[d]) for d in draws if 0 < absent[d].sum() < len(d)]
    low, high = np.percentile(areas, [2.5, 97.5])
    value = float(roc_auc_score(absent, values))
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
