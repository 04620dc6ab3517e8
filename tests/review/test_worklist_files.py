"""What the worklist keeps on disk: choices, pictures, studies and fingerprints; and the search of large folders."""

import os
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lsgui.core.errors import CancelledError, ClipReadError
from lsgui.review import worklist_cache as wc
from lsgui.review.fingerprints import Fingerprints, file_key
from lsgui.review.json_file import DamagedFileError
from lsgui.review.worklist import scan, scan_batches
from lsgui.review.worklist_cache import KeptPicture, WorklistCache
from lsgui.review.worklist_choice import ClipPlace, ListChoice, ListFilter, ListOrder
from lsgui.review.worklist_memory import MOST_FOLDERS, Remembered, WorklistMemory, clip_key

# --- choices ----------------------------------------------------------------------------------------------------


def test_a_folders_choice_comes_back_without_its_words(tmp_path):
    memory = WorklistMemory(tmp_path / "worklists.json")
    folder = (Path("/patients/Doe Jane"),)
    assert memory.recall(folder) is None
    choice = ListChoice(ListFilter.LS_A, ListOrder.RANDOM, 42, "Jane", False, frozenset({"folder /patients"}))
    memory.keep(folder, Remembered(choice, clip_key(folder[0] / "clip 1.avi")))
    back = memory.recall(folder)
    assert back == Remembered(replace(choice, search="", folded=frozenset()), clip_key(folder[0] / "clip 1.avi"))
    text = (tmp_path / "worklists.json").read_text()
    assert not any(word in text for word in ("Jane", "Doe", "patients", "clip 1"))
    assert memory.recall((Path("/patients/other"),)) is None


def test_folders_opened_together_are_remembered_together(tmp_path):
    memory = WorklistMemory(tmp_path / "worklists.json")
    memory.keep((Path("/a"), Path("/b")), Remembered(ListChoice(seed=3)))
    assert memory.recall((Path("/b"), Path("/a"))).choice.seed == 3
    assert memory.recall((Path("/a"),)) is None


def test_few_folders_are_remembered_the_last_used_ones(tmp_path):
    memory = WorklistMemory(tmp_path / "worklists.json")
    for number in range(MOST_FOLDERS + 5):
        memory.keep((Path(f"/{number}"),), Remembered(ListChoice(seed=number)))
    assert memory.recall((Path("/4"),)) is None
    assert memory.recall((Path("/5"),)) is not None


def test_a_damaged_memory_is_set_aside_and_strange_values_are_passed_over(tmp_path):
    file = tmp_path / "worklists.json"
    file.write_text("[1]")
    with pytest.raises(DamagedFileError):
        WorklistMemory(file).recall((Path("/a"),))
    assert file.with_name("worklists.json.bad").exists()
    memory = WorklistMemory(file)
    memory.keep((Path("/a"),), Remembered(ListChoice()))
    file.write_text(file.read_text().replace('"natural"', '"by_moon"').replace('"all"', "7"))
    assert memory.recall((Path("/a"),)) == Remembered(ListChoice())


# --- cache ------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path):
    made = WorklistCache(tmp_path / "cache" / "worklist.sqlite")
    yield made
    made.close()


def test_pictures_and_places_come_back_in_the_next_session(cache, tmp_path):
    cache.keep_picture("k1", KeptPicture("5 frames", b"jpeg"))
    cache.keep_places({"k1": ClipPlace("s", (1, "r", 2)), "k2": None})
    salt = cache.salt
    cache.close()
    again = WorklistCache(tmp_path / "cache" / "worklist.sqlite")
    assert again.picture("k1") == KeptPicture("5 frames", b"jpeg")
    assert again.picture("k2") is None
    assert again.places(["k1", "k2", "k3"]) == {"k1": ClipPlace("s", (1, "r", 2)), "k2": None}
    assert again.salt == salt
    again.close()


def test_the_cache_is_bounded_and_the_longest_unseen_go_first(cache, monkeypatch):
    monkeypatch.setattr(wc, "MOST_PICTURES", 300)
    now = [1_000_000]
    monkeypatch.setattr(wc, "_now", lambda: now[0])
    for number in range(400):
        cache.keep_picture(f"k{number}", KeptPicture("", b"x"))
    now[0] += 2 * 86_400
    assert cache.picture("k399") is not None
    assert cache.picture("k112") is not None  # looked at now: it outlives those that were not
    for number in range(400, 600):
        cache.keep_picture(f"k{number}", KeptPicture("", b"x"))
    kept = [number for number in range(600) if cache.picture(f"k{number}") is not None]
    assert len(kept) < 400
    assert {112, 399, 599} <= set(kept)
    assert 0 not in kept


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"x" * 4096])
def test_a_damaged_cache_is_begun_anew(tmp_path, content):
    file = tmp_path / "worklist.sqlite"
    file.write_bytes(content)
    cache = WorklistCache(file)
    cache.keep_picture("k", KeptPicture("", b"x"))
    assert cache.picture("k") is not None
    cache.close()


def test_a_cache_of_another_version_is_begun_anew(cache, tmp_path):
    cache.close()
    file = tmp_path / "cache" / "worklist.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    again = WorklistCache(file)
    again.keep_picture("k", KeptPicture("", b"x"))
    assert again.picture("k") is not None
    again.close()


def test_without_a_place_to_write_there_is_no_cache_and_no_fault(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = WorklistCache(tmp_path / "file" / "worklist.sqlite")
    cache.keep_picture("k", KeptPicture("", b"x"))
    cache.keep_places({"k": None})
    assert cache.picture("k") is None
    assert cache.places(["k"]) == {}
    assert len(cache.salt) == 16
    cache.close()


def test_two_programs_share_a_cache(cache, tmp_path):
    other = WorklistCache(tmp_path / "cache" / "worklist.sqlite")
    cache.keep_picture("k", KeptPicture("", b"x"))
    other.keep_picture("l", KeptPicture("", b"y"))
    assert other.picture("k") is not None
    assert cache.picture("l") is not None
    other.close()


# --- fingerprints -----------------------------------------------------------------------------------------------


def test_fingerprints_noted_in_one_place_are_known_in_the_other(tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"one")
    one, other = Fingerprints(tmp_path / "f.json"), Fingerprints(tmp_path / "f.json")
    one.remember(clip, "a" * 64)
    assert other.get(clip) == "a" * 64
    assert other.by_key(file_key(clip)) == "a" * 64


def test_what_another_program_noted_is_kept(tmp_path):
    file = tmp_path / "f.json"
    known = Fingerprints(file)
    known.remember_all({"k1": "a" * 64})
    text = file.read_text()
    file.write_text(text.replace("{", '{"k2": "' + "b" * 64 + '",'))
    os.utime(file, (1, 1))
    known.remember_all({"k3": "c" * 64})
    assert all(f'"{key}"' in file.read_text() for key in ("k1", "k2", "k3"))


def test_many_threads_may_note_at_once(tmp_path):
    file = tmp_path / "f.json"

    def note(number: int) -> None:
        for step in range(10):
            Fingerprints(file).remember_all({f"{number} {step}": "a" * 64})

    threads = [threading.Thread(target=note, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_text().count("a" * 64) == 40


# --- searching --------------------------------------------------------------------------------------------------


def folder_of(tmp_path: Path, count: int, suffix: str = ".avi") -> Path:
    """Empty files in folders of a hundred: what a file holds is not looked at where its name says it."""
    top = tmp_path / f"{count}{suffix}"
    for k in range(count):
        if k % 100 == 0:
            (top / f"day {k // 100}").mkdir(parents=True)
        (top / f"day {k // 100}" / f"clip {k}{suffix}").touch()
    return top


class Calls:
    """Counts what is asked of the system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = {"scandir": 0, "stat": 0, "open": 0}
        for owner, name in ((os, "scandir"), (Path, "stat"), (Path, "open")):
            self._watch(monkeypatch, owner, name)

    def _watch(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        plain = getattr(owner, name)

        def counted(*given, **named):
            self.count[name] += 1
            return plain(*given, **named)

        monkeypatch.setattr(owner, name, counted)


def test_ten_thousand_files_are_listed_once_and_neither_opened_nor_asked_for_anything(tmp_path, monkeypatch):
    top = folder_of(tmp_path, 10_000)
    calls = Calls(monkeypatch)
    entries = scan([top])
    assert [entry.title for entry in entries[:3]] == ["clip 0.avi", "clip 1.avi", "clip 2.avi"]
    assert [entry.title for entry in entries] == [f"clip {k}.avi" for k in range(10_000)]
    assert calls.count["scandir"] <= 103
    assert calls.count["open"] == 0
    assert calls.count["stat"] < 10


def test_a_file_without_suffix_is_opened_once(tmp_path, monkeypatch):
    top = folder_of(tmp_path, 300, suffix="")
    for path in top.glob("day */clip *"):
        path.write_bytes(b"no clip")  # an empty one is not opened at all
    (top / "day 0" / "clip 7").write_bytes(b"\0" * 128 + b"DICM")
    calls = Calls(monkeypatch)
    assert [entry.title for entry in scan([top])] == ["clip 7"]
    assert calls.count["open"] == 300


def test_clips_come_in_few_batches_the_first_at_once(tmp_path):
    top = folder_of(tmp_path, 4000)
    sizes = [len(batch) for batch in scan_batches([top], first=100)]
    assert sizes[0] == 100
    assert sum(sizes) == 4000
    assert len(sizes) <= 8


def test_a_search_can_be_stopped_in_the_middle(tmp_path):
    top = folder_of(tmp_path, 1000)
    asked = [0]

    def cancelled() -> bool:
        asked[0] += 1
        return asked[0] > 200

    with pytest.raises(CancelledError):
        list(scan_batches([top], cancelled))
    assert asked[0] == 201


def test_nothing_found_is_one_sentence(tmp_path):
    with pytest.raises(ClipReadError, match="No clip was found there"):
        scan([tmp_path])
    with pytest.raises(ClipReadError, match=r"gone\.avi: there is no such file"):
        scan([tmp_path / "gone.avi"])


def test_a_clip_that_is_named_twice_is_listed_once(tmp_path):
    top = folder_of(tmp_path, 3)
    assert len(scan([top, top / "day 0" / "clip 1.avi"])) == 3
