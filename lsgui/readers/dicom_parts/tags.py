"""Values of tags as scanners write them: odd strings, empty values and wrong types give None, never an exception."""

import logging
import math
import struct
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

PYDICOM_FAULTS = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom raises on damaged data."""

_LONGEST_SEQUENCE = 200_000
"""Bytes of a sequence whose items are looked at: that of a clip's regions has some thousand."""

_QUIET = threading.RLock()

# pydicom repeats its warnings on odd values to the log, and those values can be a patient's name
logging.getLogger("pydicom").setLevel(logging.ERROR)


@contextmanager
def quiet() -> Generator[None]:
    """Keep pydicom's warnings on odd values off standard error; one thread at a time, as the filters are shared."""
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def value(dataset: Dataset, keyword: str) -> Any:
    """Return a tag's value, None where it is missing, empty or cannot be parsed."""
    try:
        with quiet():
            found = dataset.get(keyword)
    except PYDICOM_FAULTS:
        return None
    return None if found is None or found == "" else found


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """Return a tag's values as finite numbers; empty where any of them is not a number."""
    found = value(dataset, keyword)
    if found is None:
        return []
    items = [found] if isinstance(found, str | bytes) or not hasattr(found, "__iter__") else list(found)
    try:
        result = [float(item) for item in items]
    except (TypeError, ValueError, OverflowError):
        return []
    return result if all(math.isfinite(item) for item in result) else []


def number(dataset: Dataset, keyword: str) -> float | None:
    """Return a tag's first value as a finite number."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def whole(dataset: Dataset, keyword: str, default: int = 0) -> int:
    """Return a tag's first value as a whole number."""
    found = number(dataset, keyword)
    return default if found is None else int(found)


def text(dataset: Dataset, keyword: str) -> str:
    """Return a tag's value as text without padding."""
    found = value(dataset, keyword)
    return "" if found is None else str(found).strip(" \0")


def _is_endless(dataset: Dataset, keyword: str) -> bool:
    """Tell whether a sequence, which pydicom takes apart when it is first asked for, would take seconds for it."""
    try:
        raw = dataset.get_item(keyword)
    except PYDICOM_FAULTS:
        return True
    length: object = getattr(raw, "length", 0)  # of one that is not taken apart yet
    return isinstance(length, int) and length > _LONGEST_SEQUENCE


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; none of one that is longer than any scanner's."""
    found = None if _is_endless(dataset, keyword) else value(dataset, keyword)
    if found is None or isinstance(found, str | bytes) or not hasattr(found, "__iter__"):
        return []
    return [item for item in found if isinstance(item, Dataset)]
