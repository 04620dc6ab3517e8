"""A labelled folder of the smallest clips that the whole of training takes: 64 px, a second long, a patient each."""

from pathlib import Path

import cv2
import numpy as np


def write_tiny_clips(folder: Path, count: int = 12, frames: int = 16) -> Path:
    """Write `count` folders of PNG frames, every second one ls_a: there the lower half stands still."""
    folder.mkdir(parents=True)
    lines = ["clip,label,patient,source,start,stop,roi"]
    for index in range(count):
        rng = np.random.default_rng(index)
        clip = folder / f"clip_{index:02d}"
        clip.mkdir()
        still = rng.uniform(40, 200, (32, 64))
        for k in range(frames):
            lower = still if index % 2 else rng.uniform(40, 200, (32, 64))
            picture = cv2.GaussianBlur(np.vstack([still, lower]), (0, 0), 1.0)
            cv2.imwrite(str(clip / f"frame_{k:02d}.png"), picture.astype(np.uint8))
        lines.append(f"{clip.name},{'ls_a' if index % 2 else 'ls_p'},P{index:02d},{'ab'[index // 2 % 2]},0,,")
    (folder / "dataset.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
