"""A labelled folder of the smallest clips that a strip can be cut of: 160 x 120 px, a second or two, lines drawn."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

HEADER = "clip,label,patient,source,start,stop,roi\n"


def write_clip(folder: Path, seed: int, frames: int = 30) -> None:
    """Write a folder of PNG frames: a still wall over a lung that changes."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    wall = rng.uniform(40, 200, (40, 160))
    for k in range(frames):
        picture = cv2.GaussianBlur(np.vstack([wall, rng.uniform(40, 200, (80, 160))]), (0, 0), 1.0)
        cv2.imwrite(str(folder / f"frame_{k:02d}.png"), picture.astype(np.uint8))


def write_clips(folder: Path, rows: Sequence[str]) -> Path:
    """Write `dataset.csv` with rows "clip,label,patient,source,start,stop", and the clips that they name."""
    names = dict.fromkeys(row.split(",")[0] for row in rows)
    for seed, name in enumerate(names):
        write_clip(folder / name, seed + len(folder.name))
    (folder / "roi.json").write_text(json.dumps({"frame": 0, "polyline": [[10, 40], [150, 40]]}))
    (folder / "dataset.csv").write_text(HEADER + "".join(f"{row},roi.json\n" for row in rows))
    return folder
