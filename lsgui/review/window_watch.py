"""Watches over a window from outside it: its mark, and the stack that Python notes when native code fails."""

import faulthandler
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lsgui.core.errors import LsguiError
from lsgui.review.crash_file import stack_of
from lsgui.review.paths import sessions_dir
from lsgui.review.session_mark import SessionMark, begin_mark

log = logging.getLogger(__name__)


@contextmanager
def window_watch(*, wanted: bool = True) -> Iterator[SessionMark | None]:
    """Hold the mark of a window while the block lasts; a block that a fault ends leaves it, as a killed one does.

    Gives None where nothing is watched or no mark can be kept: the window opens all the same.
    """
    mark = _begun() if wanted else None
    if mark is None:
        yield None
        return
    former = faulthandler.is_enabled()
    try:
        with mark.stack_file.open("wb", buffering=0) as stack:
            faulthandler.enable(stack)
            try:
                yield mark
            finally:
                faulthandler.disable()
                if former:
                    with suppress(RuntimeError, ValueError, OSError, AttributeError):  # there may be no standard error
                        faulthandler.enable()
    except (LsguiError, KeyboardInterrupt):
        mark.take_away()  # said in a sentence, or asked for: the window ended as it should
        raise
    except BaseException as fault:
        _note(mark, fault)
        mark.let_go()
        raise
    mark.take_away()


def _begun() -> SessionMark | None:
    try:
        return begin_mark(sessions_dir())
    except OSError:
        log.info("no window is watched: the folder for it cannot be made", exc_info=True)
        return None


def _note(mark: SessionMark, fault: BaseException) -> None:
    """Leave a fault of Python in the words in which native ones are left."""
    try:
        text = f"Fatal Python error: {type(fault).__name__}\n\n{stack_of(fault)}\n"
        mark.stack_file.write_bytes(text.encode("utf-8", "replace"))
    except OSError:
        log.info("a fault cannot be noted", exc_info=True)
