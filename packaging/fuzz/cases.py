"""Which case has which number: drawn from the run's seed and the number alone, so that any case can be made again."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

from bombs import BOMBS
from damage import damaged
from odd_paths import OddCase, clear, make_odd

_SHARES = {"clip": 59, "identity": 2, "labels": 9, "store": 4, "line": 3, "mask": 1, "table": 2, "settings": 2}
_SHARES |= {"card": 5, "weights": 2, "add": 1, "checkpoint": 2, "bomb": 2, "odd": 5}
"""Parts in a hundred of each kind of case."""
_SLOW = ("12-bit", "lossless-16")
"""In names of files whose every opening starts a process of its own: taken rarely."""
_RARELY, _BY_COMMAND = 0.1, 0.02
_OTHER_SUFFIXES = (".dcm", ".mp4", ".avi", ".mpeg", ".gif", ".mkv", ".png", ".txt", "")


@dataclass(frozen=True, slots=True)
class Seed:
    """A whole file, or a folder of frames; what opens it, and its name in reports."""

    target: str
    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case that lies on the disk: what opens it, its path, what is done meanwhile, and what it was made of."""

    target: str
    path: Path
    act: str
    name: str


class Cases:
    """The cases of a run.

    Parameters
    ----------
    seeds
        Folder that seeds.py wrote.
    run
        The run's seed.
    """

    def __init__(self, seeds: Path, run: int) -> None:
        self._run = run
        self._seeds: dict[str, list[Seed]] = {}
        for path in sorted(seeds.glob("*/**/*")):
            target = path.relative_to(seeds).parts[0]
            if path.is_file() and not path.name.startswith((".", "beside", "report")):
                name = path.relative_to(seeds).as_posix()
                self._seeds.setdefault(target, []).append(Seed(target, path, name))
        self._whole = {target: [seed.path for seed in found] for target, found in self._seeds.items()}
        shares = {kind: share for kind, share in _SHARES.items() if kind in ("bomb", "odd") or kind in self._seeds}
        self._kinds, self._weights = list(shares), list(shares.values())

    def __len__(self) -> int:
        return sum(map(len, self._seeds.values()))

    def make(self, number: int, work: Path) -> Case:
        """Make a case in an empty folder."""
        lots = random.Random(f"{self._run} {number}")
        kind = lots.choices(self._kinds, self._weights)[0]
        clear(work)
        if kind == "bomb":
            bomb = lots.choice(BOMBS)
            target, path = bomb(work, lots)
            return Case(target, path, "", f"bomb/{bomb.__name__}")
        if kind == "odd":
            odd: OddCase = make_odd(work, self._whole, lots)
            return Case(odd.target, odd.path, odd.act, f"odd/{odd.target} {odd.act}".strip())
        seed = lots.choice(self._seeds[kind])
        target = "info" if kind == "clip" and lots.random() < _BY_COMMAND else kind
        if any(slow in seed.name for slow in _SLOW) and lots.random() > _RARELY:
            seed = lots.choice(self._seeds[kind])
        return _damaged_copy(replace(seed, target=target), work, lots)


def _damaged_copy(seed: Seed, work: Path, lots: random.Random) -> Case:
    kind = seed.path.suffix.lower().lstrip(".") or "dcm"
    data = damaged(seed.path.read_bytes(), kind, lots)
    if "/frames-" in f"/{seed.name}":  # a folder of frames with one damaged
        for beside in seed.path.parent.iterdir():
            (work / beside.name).write_bytes(beside.read_bytes())
        (work / seed.path.name).write_bytes(data)
        return Case(seed.target, work, "", seed.name)
    if seed.target in ("card", "add", "table"):  # the other files of a model, or the clips of a table, lie beside it
        for beside in seed.path.parent.iterdir():
            (work / beside.name).write_bytes(beside.read_bytes())
        path = work / seed.path.name
    elif seed.target in ("labels", "store", "settings", "weights"):  # known by their names
        path = work / seed.path.name
    else:
        suffix = lots.choice(_OTHER_SUFFIXES) if lots.random() < 0.05 else seed.path.suffix
        path = work / f"case{suffix}"
    path.write_bytes(data)
    return Case(seed.target, path, "", seed.name)
