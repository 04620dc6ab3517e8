"""Calibrate a finished strip network on simulated clips, and measure it on everything it has not seen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.inference.verdict import VerdictRule
from lsgui.models.card import Calibration
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.training.strip.cache import simulated_strips
from lsgui.training.strip.leave_one_out import Judgement, judge, simulated_cases
from lsgui.training.strip.report import report_of, write_report

ABSTAIN = (0.42, 0.58)
"""Around even odds no verdict is given: there the network is not sure enough to be right on unseen patients."""

FRESH_CLIPS, FRESH_SEED = 100, 1000
"""Simulated clips of a seed that training has not seen, on which the final network is measured."""

VALIDATION_CLIPS, VALIDATION_SEED = 80, 500
"""Simulated clips of yet another seed, to which the temperature is fitted."""

_TITLE = "cmwru-strip on every test set"
_TEMPERATURES = np.exp(np.linspace(np.log(0.2), np.log(5.0), 323))


def calibrated(network: CmwruStrip, seed: int, folder: Path) -> Calibration:
    """Return the temperature that fits the network's odds to simulated validation clips.

    There is no bias: even odds stay where they are, for an offset fitted to simulations need not hold on patients.
    """
    cases = simulated_cases(simulated_strips(VALIDATION_CLIPS, seed + VALIDATION_SEED, folder))
    judged = [judge(network, case) for case in cases]
    logits, absent = np.array([j.logit for j in judged]), np.array([j.absent for j in judged])
    source = f"temperature fitted to {len(judged)} simulated clips of another seed; no offset"
    return Calibration(temperature=fitted_temperature(logits, absent), bias=0.0, source=source)


def fitted_temperature(logits: npt.NDArray[np.float64], absent: npt.NDArray[np.bool_]) -> float:
    """Return the temperature, 0.2 to 5, at which (n,) logits make (n,) labels most likely."""
    signed = np.where(absent, logits, -logits)
    loss = np.logaddexp(0.0, -signed[None, :] / _TEMPERATURES[:, None]).mean(axis=1)
    return round(float(_TEMPERATURES[int(np.argmin(loss))]), 4)


def measured(
    network: CmwruStrip, left_out: Sequence[Judgement], calibration: Calibration, seed: int, folder: Path
) -> dict[str, Any]:
    """Write report.md, report.json and report.png into `folder`, and return the figures for the card.

    Parameters
    ----------
    network
        The final one; fresh simulated clips are judged with it.
    left_out
        What was said of clips whose patient was left out of training.
    """
    rule = VerdictRule(0.5, ABSTAIN, calibration.temperature, calibration.bias)
    fresh = [
        judge(network, case)
        for case in simulated_cases(simulated_strips(FRESH_CLIPS, seed + FRESH_SEED, folder))
        if case.evidence.index is not None
    ]
    how = f"{len(fresh)} clips of seed {seed + FRESH_SEED}, which training has not seen; judged by the final network."
    report = report_of(left_out, fresh, rule, how)
    write_report(folder, report, _TITLE)
    return for_card(report)


def for_card(report: dict[str, Any]) -> dict[str, Any]:
    """Return the network's own figures, without flags and second judge, and the verdict's counts beside them."""
    sets: dict[str, Any] = {}
    for entry in report["leave_one_patient_out"]:
        name = entry["kind"] + (f", {entry['corruption']}" if entry["corruption"] else "")
        counts = {f"called_{k}" if k != "aside" else "set_aside": entry["network"][k] for k in _ANSWERS}
        sets[name] = {
            "clips": entry["clips"],
            "patients": entry["patients"],
            **counts,
            "verdict": {answer: entry["verdict"][answer] for answer in _ANSWERS},
            **({"auc": entry["auc"], "auc_motion_index": entry["auc_motion"]} if entry["absent"] else {}),
        }
    found = report["simulated"]
    fresh = {name: value for name, value in found.items() if name not in ("how", "scenarios")}
    return {"leave_one_patient_out": sets, "fresh_simulated": fresh}


_ANSWERS = ("present", "aside", "absent")
