"""Values of a DICOM source taken over into what leaves: each parsed to what it must be, or left out."""

from collections.abc import Callable, Mapping
from typing import Any

from pydicom.dataset import Dataset

from lsgui.readers.dicom_parts.tags import numbers, text, value

Parse = Callable[[Dataset, str], Any]


def copied(source: Dataset, keywords: Mapping[str, Parse]) -> Dataset:
    """Return the tags that are listed, each as its parser understands it; what it does not understand is left out."""
    out = Dataset()
    for keyword, parse in keywords.items():
        found = parse(source, keyword)
        if found is not None:
            setattr(out, keyword, found)
    return out


def as_decimals(source: Dataset, keyword: str) -> Any:
    """Parse decimal strings."""
    found = [decimal(number) for number in numbers(source, keyword)]
    return None if not found else found[0] if len(found) == 1 else found


def as_floats(source: Dataset, keyword: str) -> Any:
    """Parse binary floating point numbers."""
    found = numbers(source, keyword)
    return None if not found else found[0] if len(found) == 1 else found


def as_whole(source: Dataset, keyword: str) -> int | None:
    """Parse one whole number of at most 32 bits."""
    found = numbers(source, keyword)
    if len(found) != 1 or not float(found[0]).is_integer() or not -(1 << 31) <= found[0] < 1 << 32:
        return None
    return int(found[0])


def one_of(*allowed: str) -> Parse:
    """Return a parser of enumerated values."""

    def parse(source: Dataset, keyword: str) -> str | None:
        found = text(source, keyword).upper()
        return found if found in allowed else None

    return parse


def has(source: Dataset, keyword: str) -> bool:
    """Tell whether a tag is there with a value."""
    return value(source, keyword) is not None


def decimal(number: float) -> str:
    """Return a number as a decimal string of at most 16 characters."""
    for digits in range(15, 0, -1):
        written = f"{number:.{digits}g}"
        if len(written) <= 16:
            return written
    raise ValueError(f"{number} has no decimal string")
