"""Frames decoded ahead in threads come in order, a few at a time, and leave no thread behind."""

import threading
import time

import numpy as np
import pytest
from reader_samples import numbered_frames

from lsgui.core.clip import Frame
from lsgui.readers.ahead import decoded_ahead
from lsgui.readers.frame_blocks import BLOCK_BYTES, FrameBlocks, lies_in_block
from lsgui.readers.frame_store import GrowingFrames


def flat(k: int) -> Frame:
    return np.full((4, 4), k, dtype=np.uint8)


def helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("frames-ahead")]


def test_frames_come_in_order_however_long_each_takes():
    def decode(k: int) -> Frame:
        time.sleep(0.002 * (k % 3))
        return flat(k)

    assert [int(frame[0, 0]) for frame in decoded_ahead(range(40), decode, 4)] == list(range(40))
    assert not helpers()


def test_the_first_frame_waits_for_no_other():
    asked, threads = [], []

    def coded():
        for k in range(30):
            asked.append(k)
            yield k

    def decode(k: int) -> Frame:
        threads.append(threading.current_thread())
        return flat(k)

    frames = decoded_ahead(coded(), decode, 2)
    next(frames)
    assert asked == [0]
    assert threads == [threading.current_thread()]
    assert not helpers()
    next(frames)
    assert len(asked) <= 7, "only a few are read ahead: a long clip would fill the memory"
    frames.close()
    assert not helpers()


def test_closing_half_way_drops_what_waits_and_ends_the_threads():
    begun = []
    held = threading.Event()

    def decode(k: int) -> Frame:
        begun.append(k)
        if k > 1:
            held.wait(5.0)
        return flat(k)

    frames = decoded_ahead(range(100), decode, 2)
    assert [int(next(frames)[0, 0]) for _ in range(2)] == [0, 1]
    threading.Timer(0.05, held.set).start()
    frames.close()
    assert not helpers()
    assert max(begun) <= 7


def test_a_fault_is_raised_in_its_frames_place():
    def decode(k: int) -> Frame:
        if k == 7:
            raise ValueError("damaged")
        return flat(k)

    frames = decoded_ahead(range(20), decode, 4)
    assert [int(next(frames)[0, 0]) for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="damaged"):
        next(frames)
    assert not helpers()


def test_rooms_of_a_block_are_apart_and_finished_ones_are_kept_as_they_are():
    blocks = FrameBlocks()
    rooms = [blocks.room(96, 128) for _ in range(3)]
    for room, picture in zip(rooms, numbered_frames(3), strict=True):
        assert room.flags.writeable
        assert not lies_in_block(room), "what can still be written to is not finished"
        room[:] = picture
        room.setflags(write=False)
        assert lies_in_block(room)
    assert all((room == picture).all() for room, picture in zip(rooms, numbered_frames(3), strict=True))
    assert not rooms[0].base.flags.writeable
    assert rooms[0].base.nbytes <= BLOCK_BYTES
    store = GrowingFrames(96, 128, 10**6)
    for room in rooms:
        store.append(room)
    assert all(store.frame(k) is room for k, room in enumerate(rooms)), "no copy"
    store.close()


def test_a_read_only_view_of_what_can_be_written_is_copied():
    buffer = numbered_frames(1)[0].copy()
    view = buffer.view()
    view.setflags(write=False)
    store = GrowingFrames(*view.shape, 10**6)
    store.append(view)
    buffer[:] = 0
    assert (store.frame(0) == numbered_frames(1)[0]).all()
    store.close()


def test_rooms_of_another_size_and_larger_than_a_block():
    blocks = FrameBlocks()
    assert blocks.room(10, 20).shape == (10, 20)
    assert blocks.room(30, 20).shape == (30, 20)
    assert blocks.room(8000, 8000).shape == (8000, 8000)


def test_threads_never_get_the_same_room():
    blocks = FrameBlocks()
    rooms: list[Frame] = []

    def take() -> None:
        for _ in range(200):
            rooms.append(blocks.room(100, 1000))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({room.ctypes.data for room in rooms}) == 800
