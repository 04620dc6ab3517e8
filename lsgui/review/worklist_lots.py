"""Lots for a random order that is the same on every machine and at every start."""

import hashlib
from pathlib import Path

LOTS = (1 << 64) - 1
"""The largest lot."""


def clip_lot(path: Path) -> int:
    """Return a clip's lot, drawn from the names of its file and folder: wherever the folder lies, it stays the same.

    Clips that are added later leave the others in their order.
    """
    return lot_of(f"{path.parent.name}\0{path.name}")


def lot_of(text: str) -> int:
    """Return a number from 0 to `LOTS`, as good as drawn."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "big")
