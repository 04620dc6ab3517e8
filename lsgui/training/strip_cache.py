"""Keep simulated strips on disk: they take longer to make than anything else that a resumed run would do again."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lsgui.core.atomic_file import write_atomic
from lsgui.core.strip import PleuralStrip
from lsgui.imaging import strip_cutter, wall_tracker
from lsgui.simulation import anatomy, clip, draw, motion, scanner, spec, speckle
from lsgui.training.sources import simulated_sources
from lsgui.training.strip_windows import StripSource

_MADE_BY = (anatomy, clip, draw, motion, scanner, spec, speckle, strip_cutter, wall_tracker)
_ARRAYS = ("frames", "valid", "times_s", "wall_shift_mm", "wall_correlation")


def simulated_strips(
    count: int, seed: int, folder: Path, report: Callable[[int, int], None] | None = None
) -> list[StripSource]:
    """Return the strips of `simulated_sources`, from `folder` where they were kept there before.

    A change of the simulator or of the way that strips are cut makes them anew: its program text is in the file's name.
    """
    path = folder / f"simulated_{seed}_{count}_{_digest()}.npz"
    if path.is_file():
        return _read(path)
    sources = list(simulated_sources(count, seed, report))
    _write(path, sources)
    return sources


def _digest() -> str:
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in _MADE_BY)
    return hashlib.sha256(text).hexdigest()[:12]


def _write(path: Path, sources: list[StripSource]) -> None:
    arrays = {"clips": np.array([source.clip for source in sources])}
    for index, source in enumerate(sources):
        arrays |= {f"{index}_{name}": getattr(source.strip, name) for name in _ARRAYS}
        arrays[f"{index}_absent"] = source.absent
        arrays[f"{index}_grid"] = np.array([source.strip.pleura_row, source.strip.pitch_mm])
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # numpy types `allow_pickle` into the arrays
    write_atomic(path, content.getvalue())


def _read(path: Path) -> list[StripSource]:
    with np.load(path, allow_pickle=False) as kept:
        return [_source(kept, index, str(name)) for index, name in enumerate(kept["clips"])]


def _source(kept: "np.lib.npyio.NpzFile", index: int, name: str) -> StripSource:
    frames, valid, times_s, shift, correlation = (kept[f"{index}_{part}"] for part in _ARRAYS)
    row, pitch_mm = kept[f"{index}_grid"]
    strip = PleuralStrip(frames, valid, int(row), float(pitch_mm), False, times_s, shift, correlation)
    return StripSource(strip, name, name, "simulated", kept[f"{index}_absent"], edited=False)
