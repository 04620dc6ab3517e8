"""Chains of GIF blocks are passed many at a time, and end exactly where walking them one by one ends."""

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lsgui.readers import gif


def chain(sizes: list[int]) -> bytes:
    """Return blocks of these sizes, each filled with what would mislead a walk that lost its way, and their end."""
    return b"".join(bytes([size]) + bytes([0, 255, 7] * 85)[:size] for size in sizes) + b"\0"


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.sampled_from([1, 2, 100, 254, 255, 255, 255]), max_size=200),
    full=st.integers(0, 140),
    before=st.integers(0, 700),
)
def test_a_chain_ends_where_it_ends(sizes, full, before):
    code = chain([255] * full + sizes)
    handle = io.BytesIO(bytes(before) + code + b"after")
    handle.seek(before)
    gif._skip_blocks(handle)
    assert handle.read() == b"after"


def test_a_chain_that_is_cut_off_ends_with_the_file():
    for code in (b"", b"\xff", chain([255] * 70)[:-1], chain([255, 9])[:-3]):
        handle = io.BytesIO(code)
        gif._skip_blocks(handle)
        assert handle.read(1) == b""


def test_the_blocks_of_a_long_picture_are_not_read_one_by_one(tmp_path, monkeypatch):
    noise = np.random.default_rng(2).integers(0, 256, (3, 300, 400), dtype=np.uint8)
    first, *rest = [Image.fromarray(frame) for frame in noise]
    path = tmp_path / "noise.gif"
    first.save(path, save_all=True, append_images=rest, duration=[40, 80, 120], loop=0)
    reads = []

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            reads.append(size)
            return super().read(size)

    assert list(gif._delays_cs(path, Counting(path.read_bytes()))) == [4, 8, 12]
    assert path.stat().st_size / 256 > 1000
    assert len(reads) < 150
