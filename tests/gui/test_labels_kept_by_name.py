"""Labels that were imported before their clip was at hand are there when the clip is opened."""

from pathlib import Path

from lsgui.annotation.by_name import hash_by_name
from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel
from lsgui.gui.reading_orders import FindReading
from lsgui.gui.reading_store import ReadingStore

CLIP = "a" * 64


def test_a_clip_finds_what_was_imported_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "study.sqlite"
    with AnnotationStore(file) as store:
        store.save_reading(hash_by_name("clip.mp4"), "clip.mp4", "AB", "ls_a")
        store.save_reading(hash_by_name("other.mp4"), "other.mp4", "AB", "ls_p")
    opened = ReadingStore(file)
    found = opened.reading(FindReading(tmp_path / "clip.mp4", CLIP, "AB", 1, 0), (), "")
    opened.close()
    assert found.record is not None
    assert (found.record.content_hash, found.record.label) == (CLIP, ReaderLabel.LS_A)
    with AnnotationStore(file) as store:
        assert {record.file_name: record.content_hash for record in store.records()} == {
            "clip.mp4": CLIP,
            "other.mp4": hash_by_name("other.mp4"),
        }


def test_looking_a_clip_up_makes_no_store(tmp_path: Path) -> None:
    opened = ReadingStore(tmp_path / "study.sqlite")
    assert opened.reading(FindReading(tmp_path / "clip.mp4", CLIP, "AB", 1, 0), (), "").record is None
    opened.close()
    assert list(tmp_path.iterdir()) == []
