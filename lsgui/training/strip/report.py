"""What network, motion index and the rule of the verdict say of every test set: counts, intervals, one figure.

Recorded, edited, corrupted and simulated clips are different things: each has its own row, and no figure mixes them.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.atomic_file import write_atomic
from lsgui.core.label import SlidingLabel
from lsgui.inference.verdict import VerdictRule
from lsgui.training.evaluation.figures import ABSENT, PRESENT, UNSURE, new_figure, save_figure
from lsgui.training.evaluation.reliability import reliability_bins, wilson_interval
from lsgui.training.strip.leave_one_out import JUDGES, Judgement

BOOTSTRAPS = 2000
Value = Callable[[Judgement], float]

SET_WORDS = {
    "original": "sliding, as recorded",
    "absent": "absent, as recorded",
    "sham": "sham: re-timed, same seam",
    "frozen": "edited: held still",
    "hard": "edited: held, wall's residual",
    "hard_pulse": "edited: hard, lung pulse",
    "hard_drift": "edited: hard, probe drift",
    "mirror": "edited: wall mirrored below",
    "mirror_matched": "edited: mirror, lung's contrast",
    "line_kept": "edited: held under its own line",
}
CORRUPTION_WORDS = {"h264": "H.264 low rate", "slow": "12 frames/s", "gain_step": "gain step", "noise": "noise"}
_JUDGE_WORDS = {"network": "network alone", "motion": "motion index alone", "verdict": "the rule of the verdict"}


def report_of(
    real: Sequence[Judgement], simulated: Sequence[Judgement], rule: VerdictRule, fresh: str = ""
) -> dict[str, Any]:
    """Return all figures.

    Parameters
    ----------
    real
        Of left-out patients: recorded, edited, corrupted.
    simulated
        Of simulated clips of a seed that training has not seen.
    fresh
        A sentence that says how those were made.
    """
    sets = [_set(chosen, real, rule) for chosen in _groups(real)]
    by_scenario = [
        _counts(chosen, rule) | {"absent": absent, "kind": kind}
        for kind, absent in dict.fromkeys(
            (s.kind, s.absent) for s in sorted(simulated, key=lambda s: (s.absent, s.kind))
        )
        for chosen in [[s for s in simulated if (s.kind, s.absent) == (kind, absent)]]
    ]
    return {
        "rule": {"threshold": rule.threshold, "abstain": rule.abstain, "temperature": rule.temperature},
        "leave_one_patient_out": sets,
        "simulated": {"how": fresh, "scenarios": by_scenario, **_simulated(simulated, rule)} if simulated else {},
    }


def write_report(folder: Path, report: dict[str, Any], title: str) -> None:
    """Write report.json, report.md and report.png."""
    write_atomic(folder / "report.json", (json.dumps(report, indent=1) + "\n").encode("utf-8"))
    write_atomic(folder / "report.md", markdown(report, title).encode("utf-8"))
    save_figure(_figure(report, title), folder / "report.png")


def _groups(judged: Sequence[Judgement]) -> list[list[Judgement]]:
    """Return the sets in reading order: recorded, sham, edits, and then the same under each corruption."""
    kinds = [*SET_WORDS, *dict.fromkeys(j.kind for j in judged if j.kind not in SET_WORDS)]
    corruptions = dict.fromkeys(["", *(j.corruption for j in judged)])
    picked = [[j for j in judged if (j.kind, j.corruption) == (kind, c)] for c in corruptions for kind in kinds]
    return [group for group in picked if group]


def _counts(chosen: Sequence[Judgement], rule: VerdictRule) -> dict[str, Any]:
    out: dict[str, Any] = {"clips": len(chosen), "patients": len({j.patient for j in chosen})}
    right = SlidingLabel.LS_A if chosen[0].absent else SlidingLabel.LS_P
    for judge in JUDGES:
        labels = [j.label(judge, rule) for j in chosen]
        share = np.array([sum(label is right for label in labels) / len(labels)])
        low, high = wilson_interval(share, np.array([len(labels)]))
        out[judge] = {
            "present": sum(label is SlidingLabel.LS_P for label in labels),
            "aside": sum(label is SlidingLabel.CANNOT_ASSESS for label in labels),
            "absent": sum(label is SlidingLabel.LS_A for label in labels),
            "right": [round(float(value[0]), 3) for value in (share, low, high)],
        }
    return out


def _set(chosen: Sequence[Judgement], judged: Sequence[Judgement], rule: VerdictRule) -> dict[str, Any]:
    first = chosen[0]
    out = {"kind": first.kind, "corruption": first.corruption, "absent": first.absent, **_counts(chosen, rule)}
    if first.absent:
        present = [j for j in judged if j.kind == "original" and j.corruption == first.corruption]
        out["auc"] = area_by_patient(present, chosen, _logit)
        out["auc_motion"] = area_by_patient(present, chosen, _stillness)
    return out


def _simulated(judged: Sequence[Judgement], rule: VerdictRule) -> dict[str, Any]:
    present, absent = ([j for j in judged if j.absent is side] for side in (False, True))
    shallow, drifting = (
        [j for j in present if j.kind == "shallow"],
        [j for j in absent if j.kind == "probe_drift"],
    )
    p = np.array([j.p_absent(rule) for j in judged])
    truth = np.array([j.absent for j in judged])
    return {
        "clips": len(judged),
        "absent": len(absent),
        "auc": area_by_clip(present, absent, _logit),
        "auc_motion": area_by_clip(present, absent, _stillness),
        "auc_shallow_against_drifting": area_by_clip(shallow, drifting, _logit) if shallow and drifting else None,
        "expected_calibration_error": round(reliability_bins(truth, p).error, 4),
        "accuracy": round(float(((p >= rule.threshold) == truth).mean()), 4),
    }


def _logit(judged: Judgement) -> float:
    return judged.logit


def _stillness(judged: Judgement) -> float:
    return -(0.5 if judged.index is None else judged.index)


def area_by_patient(present: Sequence[Judgement], absent: Sequence[Judgement], value: Value) -> dict[str, float]:
    """Return the area under the curve with its 95 % bootstrap interval, drawn by patient."""
    patients = sorted({j.patient for j in (*present, *absent)})
    wins = np.array([[_wins(present, p, absent, q, value) for q in patients] for p in patients])
    return _area(
        wins, np.random.default_rng(0).multinomial(len(patients), [1 / len(patients)] * len(patients), BOOTSTRAPS)
    )


def area_by_clip(present: Sequence[Judgement], absent: Sequence[Judgement], value: Value) -> dict[str, float]:
    """Return the area under the curve with its 95 % bootstrap interval, drawn by clip within each class."""
    won = _compared([value(j) for j in present], [value(j) for j in absent])
    rng = np.random.default_rng(0)
    draws = [
        won[np.ix_(rng.integers(len(present), size=len(present)), rng.integers(len(absent), size=len(absent)))].mean()
        for _ in range(BOOTSTRAPS)
    ]
    return _rounded(float(won.mean()), np.array(draws))


def _compared(present: Sequence[float], absent: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return 1 where the absent clip scores higher, 0.5 where equal, (present, absent)."""
    gap = np.asarray(absent)[None, :] - np.asarray(present)[:, None]
    return np.asarray((np.sign(gap) + 1.0) / 2.0)


def _wins(
    present: Sequence[Judgement], p: str, absent: Sequence[Judgement], q: str, value: Value
) -> tuple[float, float]:
    won = _compared([value(j) for j in present if j.patient == p], [value(j) for j in absent if j.patient == q])
    return float(won.sum()), float(won.size)


def _area(wins: npt.NDArray[np.float64], weights: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return the area of all and of each draw from (patients, patients, [won, pairs]) and (draws, patients)."""
    sums = np.einsum("dp,pqk,dq->dk", weights, wins, weights)
    whole = wins.sum(axis=(0, 1))
    drawn = sums[sums[:, 1] > 0]  # a draw may hold no patient of one class
    return _rounded(float(whole[0] / whole[1]), drawn[:, 0] / drawn[:, 1])


def _rounded(value: float, draws: npt.NDArray[np.float64]) -> dict[str, float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def set_name(entry: dict[str, Any]) -> str:
    """Return a set in words."""
    words = SET_WORDS.get(entry["kind"], entry["kind"].replace("_", " "))
    corruption = entry.get("corruption", "")
    return f"{words}; {CORRUPTION_WORDS.get(corruption, corruption)}" if corruption else words


def markdown(report: dict[str, Any], title: str) -> str:
    """Return the report as Markdown: counts are present / set aside / absent."""
    head = "| {} | clips | network | motion index | **verdict** | right, 95 % | AUC network | AUC index |"
    lines = [f"# {title}", "", "Counts are called present / set aside / called absent.", ""]
    lines += ["## Clips of patients left out of training", "", head.format("set"), "|---" * 8 + "|"]
    lines += [_row(set_name(entry), entry) for entry in report["leave_one_patient_out"]]
    found = report["simulated"]
    if found:
        lines += ["", "## Freshly simulated clips", "", found["how"], ""]
        lines += [head.format("scenario"), "|---" * 8 + "|"]
        lines += [
            _row(f"{e['kind'].replace('_', ' ')}, {'absent' if e['absent'] else 'present'}", e)
            for e in found["scenarios"]
        ]
        lines += ["", *_simulated_lines(found)]
    notes = (
        "The interval of a share is Wilson's, by clip; several clips come from one patient, so the truth is wider.",
        "That of an area is the 95 % bootstrap by patient (simulations: by clip); without width where all draws agree.",
    )
    return "\n".join([*lines, "", *notes, "", "![Counts on every set](report.png)", ""])


def _simulated_lines(found: dict[str, Any]) -> list[str]:
    def words(area: dict[str, float] | None) -> str:
        return f"{area['value']:.3f} [{area['low']:.3f}-{area['high']:.3f}]" if area else "not measured"

    return [
        f"- Area under the curve: network {words(found['auc'])}, motion index {words(found['auc_motion'])}.",
        f"- Shallow sliding against drifting absent: network {words(found['auc_shallow_against_drifting'])}.",
        f"- Expected calibration error of the network's probability: {found['expected_calibration_error']:.3f}; "
        f"{100 * found['accuracy']:.0f} % on the right side of the threshold.",
    ]


def _row(name: str, entry: dict[str, Any]) -> str:
    counts = [f"{entry[j]['present']} / {entry[j]['aside']} / {entry[j]['absent']}" for j in JUDGES]
    share, low, high = entry["verdict"]["right"]
    areas = [
        f"{entry[key]['value']:.3f} [{entry[key]['low']:.2f}-{entry[key]['high']:.2f}]" if key in entry else "-"
        for key in ("auc", "auc_motion")
    ]
    right = f"{100 * share:.0f} % [{100 * low:.0f}-{100 * high:.0f}]"
    return f"| {name} | {entry['clips']} | {' | '.join(counts)} | {right} | {' | '.join(areas)} |"


def _figure(report: dict[str, Any], title: str) -> Any:
    """Return bars of what each judge says of every set, sliding sets first."""
    entries = sorted(report["leave_one_patient_out"], key=lambda entry: entry["absent"])
    figure, axes = new_figure(title, panels=3, size=(3.4, 1.2 + 0.2 * len(entries)))
    places = np.arange(len(entries))[::-1]
    for panel, judge in zip(axes, JUDGES, strict=True):
        left = np.zeros(len(entries))
        for answer, colour in (("present", PRESENT), ("aside", UNSURE), ("absent", ABSENT)):
            width = np.array([entry[judge][answer] / entry["clips"] for entry in entries])
            panel.barh(
                places, width, left=left, color=colour, label=f"called {answer}".replace("called aside", "set aside")
            )
            left += width
        panel.set(xlim=(0, 1), title=_JUDGE_WORDS[judge], xlabel="share of clips", yticks=places)
        panel.set_yticklabels([set_name(entry) for entry in entries] if judge == JUDGES[0] else [""] * len(entries))
        panel.grid(False)
        panel.axhline(places[sum(not entry["absent"] for entry in entries) - 1] - 0.5, color="black", linewidth=0.8)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
