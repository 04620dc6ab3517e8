"""A clip is known by its content, wherever it lies and whatever it is called."""

import hashlib
from pathlib import Path

import pytest

from lsgui.annotation.content_hash import content_hash
from lsgui.core.errors import CancelledError, ClipReadError


def _folder(path: Path, **frames: bytes) -> Path:
    path.mkdir()
    for name, data in frames.items():
        (path / f"{name}.png").write_bytes(data)
    return path


def test_file_hash_is_sha256_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000  # more than two chunks
    (tmp_path / "a.mp4").write_bytes(data)
    assert content_hash(tmp_path / "a.mp4") == hashlib.sha256(data).hexdigest()


def test_real_clip_agrees_with_the_manifest(shared_clips: Path) -> None:
    name = "tuke_lumify_l12.mp4"
    row = next(line for line in (shared_clips / "manifest.csv").read_text().splitlines() if line.startswith(name))
    assert content_hash(shared_clips / name) == row.rsplit(",", 1)[1]


def test_folder_survives_renaming_and_a_thumbnail_cache(tmp_path: Path) -> None:
    first = _folder(tmp_path / "one", frame_0=b"a", frame_1=b"b")
    second = _folder(tmp_path / "two", frame_0=b"a", frame_1=b"b")
    (second / "Thumbs.db").write_bytes(b"noise")
    assert content_hash(first) == content_hash(second)


@pytest.mark.parametrize(
    "other",
    [
        {"frame_0": b"b", "frame_1": b"a"},
        {"frame_0": b"a"},
        {"frame_0": b"ab", "frame_1": b""},
        {"frame_0": b"a", "frame_2": b"b"},
        {"frame_0": b"a", "frame_1": b"b", "frame_2": b""},
    ],
)
def test_folder_with_other_frames_is_another_clip(tmp_path: Path, other: dict[str, bytes]) -> None:
    first = _folder(tmp_path / "one", frame_0=b"a", frame_1=b"b")
    assert content_hash(first) != content_hash(_folder(tmp_path / "two", **other))


def test_cancel_is_heard_between_chunks(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(bytes(5 << 20))
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) == 2

    with pytest.raises(CancelledError):
        content_hash(tmp_path / "a.mp4", cancelled)
    assert len(asked) == 2


def test_faults_are_one_sentence_with_the_name(tmp_path: Path) -> None:
    with pytest.raises(ClipReadError, match=r"^gone\.mp4: .*\.$"):
        content_hash(tmp_path / "gone.mp4")
    with pytest.raises(ClipReadError, match=r"^empty holds no frames: .*\.$"):
        content_hash(_folder(tmp_path / "empty"))
