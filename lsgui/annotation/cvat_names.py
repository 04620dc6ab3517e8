"""The names that annotations in CVAT go by, and what they mean here."""

import re
from types import MappingProxyType

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import Tag

WHOLE_CLIP = "clip"
"""In front of a label: what the whole clip is said to show."""

INTERVAL = "interval"
"""An interval without a label."""

LINE = "pleural line"
PRESUMED = "presumably"

LABEL_NAMES = MappingProxyType(
    {
        ReaderLabel.LS_P: "lungslidingpresent",
        ReaderLabel.LS_A: "lungslidingabsent",
        ReaderLabel.CANNOT_ASSESS: "cannot_assess",
        ReaderLabel.LUNG_POINT: "lung_point",
    }
)
TAG_NAMES = MappingProxyType({Tag.A_LINES: "aline", Tag.B_LINES: "bline", Tag.LUNG_PULSE: "lungpulse"})


def key_of(name: str) -> str:
    """Return a name without case, blanks and signs."""
    return re.sub(r"[^a-z]", "", name.casefold())


LABELS = MappingProxyType(
    {key_of(name): label for label, name in LABEL_NAMES.items()} | {key_of(label.value): label for label in ReaderLabel}
)
WHOLE_LABELS = MappingProxyType({key_of(f"{WHOLE_CLIP} {label.value}"): label for label in ReaderLabel})
TAGS = MappingProxyType(
    {key_of(name): tag for tag, name in TAG_NAMES.items()} | {key_of(tag.value): tag for tag in Tag}
)


def is_understood(name: str) -> bool:
    """Return whether something drawn under this name says something of the reading."""
    key = key_of(name).removeprefix(PRESUMED)
    return any(key in names for names in (LABELS, WHOLE_LABELS, TAGS)) or key in (key_of(LINE), key_of(INTERVAL))
