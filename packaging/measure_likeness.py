"""Measure how fast texture above and below the pleura loses its likeness to itself, in simulated and in real clips.

Run from the project's root: python packaging/measure_likeness.py [CLIPS]
Writes packaging/likeness.json, which make_gallery.py draws. CLIPS is a folder of real clips with pleura.json; without
it their old figures are kept. A clip is held still on its chest wall; squares of 5.6 mm, side by side along the line,
are compared with themselves after 1, 2, 4 and 8 frames of a clip of 16.45 frames/s.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.readers.base import open_clip
from lsgui.simulation import random_spec, simulate_clip
from lsgui.simulation.spec import Scenario

OUT = Path(__file__).with_name("likeness.json")
LAGS_S = tuple(frames / 16.45 for frames in (1, 2, 4, 8))
CLIPS_EACH = 30
SQUARE = 14
GAP = 2
SCENES: tuple[tuple[SlidingLabel, Scenario], ...] = (
    (SlidingLabel.LS_P, "sliding"),
    (SlidingLabel.LS_A, "absent"),
    (SlidingLabel.LS_A, "lung_pulse"),
    (SlidingLabel.LS_A, "probe_drift"),
    (SlidingLabel.LS_P, "shallow"),
    (SlidingLabel.LS_P, "probe_drift"),
    (SlidingLabel.LS_P, "b_lines"),
    (SlidingLabel.LS_A, "b_lines"),
    (SlidingLabel.LS_P, "white_lung"),
    (SlidingLabel.LS_A, "white_lung"),
)
Likeness = list[list[float]]
"""For each lag the mean correlation [above, below] the line."""


def likeness(strip: PleuralStrip, fps: float) -> Likeness | None:
    """Return the likeness of a strip; None where no square fits above or below."""
    frames = strip.frames.astype(np.float32)
    sides = (strip.pleura_row - GAP - SQUARE, strip.pleura_row + GAP)
    out = []
    for lag in (max(1, round(seconds * fps)) for seconds in LAGS_S):
        both = [_mean_correlation(frames, strip.valid, top, lag) for top in sides]
        if not np.isfinite(both).all():
            return None
        out.append([round(value, 4) for value in both])
    return out


def _mean_correlation(frames: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_], top: int, lag: int) -> float:
    found = []
    for left in range(0, frames.shape[2] - SQUARE + 1, SQUARE):
        if not valid[top : top + SQUARE, left : left + SQUARE].all():
            continue
        part = frames[:, top : top + SQUARE, left : left + SQUARE].reshape(len(frames), -1)
        part = part - part.mean(axis=1, keepdims=True)
        length = np.linalg.norm(part, axis=1)
        product = (part[:-lag] * part[lag:]).sum(axis=1)
        good = (length[:-lag] > 0) & (length[lag:] > 0)
        found += list((product[good] / (length[:-lag] * length[lag:])[good])[::3])
    return float(np.mean(found)) if found else float("nan")


def simulated(label: SlidingLabel, scenario: Scenario) -> list[Likeness]:
    """Return the likeness of random clips of one scenario at the rate of the linear real clip.

    Scenarios whose names are equally long share their chest walls and scanners.
    """
    out = []
    for index in range(CLIPS_EACH):
        spec = random_spec(np.random.default_rng([99, index, len(scenario)]), label, scenario)
        scanner = replace(spec.scanner, repeat_every=0, black_lead_in=0, gain_steps=())
        spec = replace(spec, picture=replace(spec.picture, fps=16.45, seconds=2.5), scanner=scanner)
        clip = simulate_clip(spec, index)
        times = np.arange(len(clip.frames)) / clip.fps
        found = likeness(cut_strip(clip.frames, (0, 0), times, clip.roi, clip.mm_per_px, True), clip.fps)
        if found is not None:
            out.append(found)
    return out


def real(folder: Path) -> dict[str, Likeness]:
    """Return the likeness of every clip that `pleura.json` says is usable; all of them slide."""
    out = {}
    for name, entry in json.loads((folder / "pleura.json").read_text(encoding="utf-8")).items():
        if not entry["usable"]:
            continue
        clip, line = open_clip(folder / name), PleuralROI.from_json(entry)
        start, stop = entry["window"]
        keys = sorted({start, *(k for k, _ in line.keyframes if start < k < stop)})
        moved = PleuralROI(tuple((k - start, line.line_at(k)) for k in keys), "file")
        times = clip.info.times_s[start:stop] - clip.info.times_s[start]
        strip = cut_strip(clip.stack(start, stop), (0, 0), times, moved, entry["mm_per_px"], False)
        found = likeness(strip, clip.info.fps)
        if found is not None:
            out[name] = found
    return out


def main() -> None:
    """Measure all and write the figures."""
    known = json.loads(OUT.read_text(encoding="utf-8")) if OUT.is_file() else {}
    found = {"lags_s": [round(lag, 4) for lag in LAGS_S], "real": known.get("real", {}), "simulated": {}}
    if len(sys.argv) > 1:
        found["real"] = real(Path(sys.argv[1]))
    for label, scenario in SCENES:
        found["simulated"][f"{label.value}/{scenario}"] = simulated(label, scenario)
        OUT.write_text(json.dumps(found) + "\n", encoding="utf-8")
        print(label.value, scenario)


if __name__ == "__main__":
    main()
