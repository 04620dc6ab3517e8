"""Keeps libraries from loading what they could do without."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def kept_out(*names: str) -> Iterator[None]:
    """Import a library within this block as if these modules were not installed; those that are loaded stay.

    pydicom, for one, imports `requests` where it is there, only to be able to download examples: that takes longer than
    pydicom itself, and opens a socket to see whether the machine speaks IPv6.
    """
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # a name that is None cannot be imported
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
