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
from lsgui.training.data.sources import simulated_source
from lsgui.training.strip.windows import SIMULATED, StripSource

_MADE_BY = (anatomy, clip, draw, motion, scanner, spec, speckle, strip_cutter, wall_tracker)


def simulated_strips(
    count: int, seed: int, folder: Path, report: Callable[[int, int], None] | None = None
) -> list[StripSource]:
    """Return the strips of `simulated_sources`; those that `folder` already keeps are read from there.

    A change of the simulator or of how strips are cut makes them anew: its program text is in the files' names. So does
    a file of a release that did not keep the path of the line.
    """
    folder = folder / "simulated"
    folder.mkdir(parents=True, exist_ok=True)
    digest = _digest()
    out = []
    for index in range(count):
        path = folder / f"{seed}_{index:04d}_{digest}.npz"
        source = _read(path) if path.is_file() else None
        if source is None:
            source = simulated_source(index, seed)
            _write(path, source)
        out.append(source)
        if report is not None:
            report(index + 1, count)
    return out


def _digest() -> str:
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in _MADE_BY)
    return hashlib.sha256(text).hexdigest()[:12]


def _write(path: Path, source: StripSource) -> None:
    content = io.BytesIO()
    strip = source.strip
    assert source.line_path_mm is not None  # the simulator knows it
    np.savez(
        content,
        named=np.array([source.clip, source.scenario]),
        grid=np.array([strip.pleura_row, strip.pitch_mm]),
        absent=source.absent,
        frames=strip.frames,
        valid=strip.valid,
        times_s=strip.times_s,
        wall_shift_mm=strip.wall_shift_mm,
        wall_correlation=strip.wall_correlation,
        line_path_mm=source.line_path_mm,
    )
    write_atomic(path, content.getvalue())


def _read(path: Path) -> StripSource | None:
    with np.load(path, allow_pickle=False) as kept:
        if "line_path_mm" not in kept:
            return None
        row, pitch_mm = kept["grid"]
        arrays = {name: kept[name] for name in ("frames", "valid", "times_s", "wall_shift_mm", "wall_correlation")}
        strip = PleuralStrip(pleura_row=int(row), pitch_mm=float(pitch_mm), calibrated=False, **arrays)
        name, scenario = (str(part) for part in kept["named"])
        path_mm, absent = kept["line_path_mm"], kept["absent"]
        return StripSource(strip, name, name, SIMULATED, absent, edited=False, scenario=scenario, line_path_mm=path_mm)
