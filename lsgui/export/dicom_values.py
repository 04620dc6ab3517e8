"""Values of a DICOM source taken over into what leaves: each parsed to what it must be, or left out."""

from collections.abc import Callable, Mapping
from typing import Any

from pydicom.dataset import Dataset

from lsgui.readers.dicom_parts.tags import numbers, text

Parse = Callable[[Dataset, str], Any]


def copied(source: Dataset, keywords: Mapping[str, Parse]) -> Dataset:
    """Return the tags that are listed, each as its parser understands it; what it does not understand is left out."""
    out = Dataset()
    for keyword, parse in keywords.items():
        found = parse(source, keyword)
        if found is not None:
            setattr(out, keyword, found)
    return out


def decimals(low: float, high: float) -> Parse:
    """Return a parser of decimal strings that can be true: what is out of range may be somebody's number."""

    def parse(source: Dataset, keyword: str) -> Any:
        found = _within(source, keyword, low, high)
        written = [decimal(number) for number in found]
        return None if not written else written[0] if len(written) == 1 else written

    return parse


def floats(low: float, high: float) -> Parse:
    """Return a parser of one binary floating point number that can be true."""

    def parse(source: Dataset, keyword: str) -> float | None:
        found = _within(source, keyword, low, high)
        return found[0] if len(found) == 1 else None

    return parse


def whole_number(low: int, high: int) -> Parse:
    """Return a parser of one whole number that can be true."""

    def parse(source: Dataset, keyword: str) -> int | None:
        found = _within(source, keyword, low, high)
        return int(found[0]) if len(found) == 1 and float(found[0]).is_integer() else None

    return parse


def _within(source: Dataset, keyword: str, low: float, high: float) -> list[float]:
    found = numbers(source, keyword)
    return found if all(low <= number <= high for number in found) else []


def one_of(*allowed: str) -> Parse:
    """Return a parser of enumerated values."""

    def parse(source: Dataset, keyword: str) -> str | None:
        found = text(source, keyword).upper()
        return found if found in allowed else None

    return parse


def decimal(number: float) -> str:
    """Return a number as a decimal string of at most 16 characters."""
    for digits in range(15, 0, -1):
        written = f"{number:.{digits}g}"
        if len(written) <= 16:
            return written
    raise ValueError(f"{number} has no decimal string")
