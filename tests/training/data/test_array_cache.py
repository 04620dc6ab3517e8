from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from lsgui.core.errors import DatasetError
from lsgui.training.data.array_cache import ArrayCache


def test_memory_has_a_limit_where_there_is_a_disk(tmp_path: Path) -> None:
    def arrays() -> Iterator[tuple[str, dict[str, npt.NDArray[np.uint8]]]]:
        for k in range(5):
            yield f"k{k}", {"frames": np.full(1000, k, dtype=np.uint8)}

    cache = ArrayCache(tmp_path, memory_bytes=2500)
    for key, found in arrays():
        cache.put(key, found)
    assert len(cache._kept) == 2
    for key, found in arrays():
        read = cache.get(key)
        assert read is not None
        assert np.array_equal(read["frames"], found["frames"])
    assert cache.get("none") is None
    unlimited = ArrayCache(None, memory_bytes=1)
    for key, found in arrays():
        unlimited.put(key, found)
    assert all(unlimited.has(key) for key, _ in arrays())


def test_a_folder_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="choose another folder"):
        ArrayCache(tmp_path / "file").put("k", {"frames": np.zeros(3)})
