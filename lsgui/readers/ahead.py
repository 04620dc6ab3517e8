"""Decoding a few frames ahead in threads, where frames do not need each other."""

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from lsgui.core.clip import Frame
from lsgui.readers.frame_source import FrameStream

Coded = TypeVar("Coded")

WORKERS = min(os.cpu_count() or 1, 8)
"""Threads that decode: the codecs let go of the interpreter, and beyond eight the memory is the limit."""

_ROOM_BYTES, _AT_ONCE = 512 << 20, 12
"""Memory for frames that are decoded ahead, and how many times a grey frame a codec takes while it decodes one."""


def decoded_ahead(coded: Iterable[Coded], decode: Callable[[Coded], Frame], workers: int | None = None) -> FrameStream:
    """Yield decoded frames in order.

    The first is decoded in the caller's thread, before any other is begun: it is wanted at once. A fault is raised in
    its frame's place. Closing the generator drops what waits and returns when every thread has ended.

    Parameters
    ----------
    coded
        The frames as the file has them; asked for one by one, in the caller's thread.
    decode
        Turns one into grey; called from several threads at once.
    workers
        Threads; `WORKERS` by default.
    """
    rest = iter(coded)
    count = workers or WORKERS
    for first in rest:
        frame = decode(first)
        count = max(min(count, _ROOM_BYTES // (_AT_ONCE * max(frame.size, 1))), 1)
        yield frame
        break
    waiting: deque[Future[Frame]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="frames-ahead") as pool:
        try:
            for data in rest:
                waiting.append(pool.submit(decode, data))
                if len(waiting) > 2 * count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
