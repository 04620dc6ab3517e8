"""The store under real hardship: killed at any moment, a full disk, no permission, a lock, old and torn files."""

import os
import random
import shlex
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from store_children import KEEPER, MERGER, OBEDIENT, OPENER, SAYS_WHAT_HAPPENS, SPEAKER, killed_after, ran, start

from lsgui.annotation.backup import backups_of, daily_backup
from lsgui.annotation.checkup import check_file
from lsgui.annotation.schema import APPLICATION_ID, MIGRATIONS, VERSION, stored_version
from lsgui.annotation.store import AnnotationStore
from lsgui.cli.main import run
from lsgui.core.errors import LsguiError

CLIP = "a" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.sqlite"


def _sound(path: Path) -> None:
    assert check_file(path).faults == ()


# --- killed


def test_whatever_was_acknowledged_outlives_a_kill_at_any_moment(path: Path) -> None:
    chance = random.Random(5)
    acknowledged: set[str] = set()
    for number in range(6):
        child = start(SPEAKER, path, number, f"R{number % 2}")
        acknowledged |= set(killed_after(child, chance.randrange(1, 40), chance.uniform(0.0, 0.05)))
        _sound(path)
    with AnnotationStore(path) as store:
        kept = {said.uid for said in store.history()}
    assert acknowledged <= kept
    assert len(kept - acknowledged) <= 6, "at most what was on its way at each kill"


def test_a_merge_is_whole_or_absent_after_a_kill(path: Path) -> None:
    chance = random.Random(7)
    merged: set[str] = set()
    for number in range(4):
        merged |= set(killed_after(start(MERGER, path, number), 1, chance.uniform(0.0, 0.06)))
    with AnnotationStore(path) as store:
        sizes = Counter(said.file_name for said in store.history())
    assert set(sizes.values()) == {200}
    assert merged <= set(sizes)


def _old_store(path: Path, version: int, readings: int) -> None:
    """Make a store with the scripts of an old program."""
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(f"PRAGMA application_id = {APPLICATION_ID}; {''.join(MIGRATIONS[:version])}")
        old.execute(f"PRAGMA user_version = {version}")
        old.execute("BEGIN")
        old.executemany(
            "INSERT INTO readings (content_hash, file_name, rater, label, read_at, program_version) "
            "VALUES (?, 'c', 'AB', 'ls_a', '2026-01-01T12:00:00+00:00', '0.0.1')",
            [(f"{k:064x}",) for k in range(readings)],
        )
        old.execute("COMMIT")


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_store_is_brought_up_whole_however_often_that_is_cut_short(path: Path, version: int) -> None:
    _old_store(path, version, 4000)
    chance = random.Random(version)
    versions = set()
    for _ in range(4):
        killed_after(start(OPENER, path), 1, chance.uniform(0.0, 0.05))
        with closing(sqlite3.connect(path)) as connection:
            versions.add(stored_version(connection))
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert versions <= set(range(version, VERSION + 1))
    with AnnotationStore(path) as store:
        readings = store.all_readings()
        assert [reading.content_hash for reading in readings] == [f"{k:064x}" for k in range(4000)]
        assert {reading.program_version for reading in readings} == {"0.0.1"}
    _sound(path)


def test_a_daily_copy_is_whole_or_absent_after_a_kill(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with AnnotationStore(path) as store:
        store.save_reading(CLIP, "c" * 200_000, "AB", "ls_a")
        for number in range(4):
            killed_after(start(KEEPER, path, 100 * number), 2, random.Random(number).uniform(0.0, 0.02))
            for copy in backups_of(path):
                _sound(copy)
        monkeypatch.setattr("lsgui.annotation.backup._DRAFT_AGE_S", -1.0)
        daily_backup(store)
    folder = path.with_name("labels.backups")
    assert sorted(folder.iterdir()) == sorted(backups_of(path)), "drafts of killed programs are taken away"


# --- no room


A_SMALL_DISK = "mount -t tmpfs -o size=400k tmpfs {folder} && exec {program}"
"""Makes a disk of 400 kB that only this program sees and that is gone when it ends."""


def _small_disk_can_be_made() -> bool:
    tried = "mount -t tmpfs -o size=400k tmpfs /mnt"
    try:
        return subprocess.run(["unshare", "-rm", "sh", "-c", tried], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


FULL_DISKS = ["a file must not grow"] * (sys.platform != "win32") + ["a small disk"] * _small_disk_can_be_made()
"""Ways to a disk that really refuses, as far as this machine has them; SQLite's own limit is in test_store.py."""

OUT_OF_ROOM = """
import os, sys
from pathlib import Path
from lsgui.annotation.store import AnnotationStore
from lsgui.core.errors import LsguiError
from lsgui.core.reading import StatementKind
folder, small = Path(sys.argv[1]), sys.argv[2] == "small"
path, filler = folder / "labels.sqlite", folder / "filler"
if small:
    filler.write_bytes(bytes(100_000))
else:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
store = AnnotationStore(path)
saved, said = [], set()
for attempt in range(300):
    try:
        saved.append(store.say("a" * 64, "c", "AB", StatementKind.COMMENT, "x" * 5000).uid)
    except LsguiError as fault:
        said.add(str(fault))
        last = attempt
print(*said, sep="|")
print(0 < len(saved) < 100, last == 299, [s.uid for s in store.history()] == saved)
filler.unlink() if small else resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
saved.append(store.say("a" * 64, "c", "AB", StatementKind.COMMENT, "room again").uid)
store.close()
with AnnotationStore(path) as again:
    print([s.uid for s in again.history()] == saved)
"""


@pytest.mark.parametrize("kind", FULL_DISKS)
def test_a_disk_without_room_says_so_and_the_program_goes_on_when_there_is_some(tmp_path: Path, kind: str) -> None:
    small = kind == "a small disk"
    command = [sys.executable, "-c", OUT_OF_ROOM, str(tmp_path), "small" if small else "large"]
    if small:
        inside = A_SMALL_DISK.format(folder=shlex.quote(str(tmp_path)), program=shlex.join(command))
        command = ["unshare", "-rm", "sh", "-c", inside]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    sentence, refused, after = done.stdout.splitlines()
    assert sentence in (
        "labels.sqlite: the disk is full, the reading was not saved: make room and save it again.",
        "labels.sqlite: the disk does not answer, the reading was not saved: check the drive and save it again.",
    )
    assert ("full" in sentence) == small
    assert (refused, after) == ("True True True", "True")


NO_ROOM_TO_BEGIN = """
import resource, sys
from pathlib import Path
from lsgui.annotation.store import AnnotationStore
from lsgui.core.errors import LsguiError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    AnnotationStore(Path(sys.argv[1])).close()
except LsguiError as fault:
    print(fault)
"""


@pytest.mark.parametrize("room", [4096, 20_000, 40_000] * (sys.platform != "win32"))
def test_no_room_for_a_new_store_is_not_called_damage(path: Path, room: int) -> None:
    said = ran(NO_ROOM_TO_BEGIN, path, room)
    assert "damaged" not in said
    assert said.startswith("labels.sqlite: the disk ")
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("room", [60_000, 150_000] * (sys.platform != "win32"))
def test_no_room_to_bring_an_old_store_up_leaves_it_as_it_was(path: Path, room: int) -> None:
    _old_store(path, 2, 1500)
    before = path.read_bytes()
    assert "damaged" not in ran(NO_ROOM_TO_BEGIN, path, room)
    assert path.read_bytes() == before
    with AnnotationStore(path) as store:
        assert len(store.history()) == 1500


# --- no permission


PROTECTIONS = {
    "file": lambda path: path.chmod(stat.S_IREAD),
    "folder": lambda path: path.parent.chmod(0o555),
    "file and folder": lambda path: (path.chmod(stat.S_IREAD), path.parent.chmod(0o555)),
    "neither read nor written": lambda path: path.chmod(0),
}
if sys.platform == "win32":  # where a folder's mark does not protect what is in it
    PROTECTIONS = {"file": PROTECTIONS["file"]}


@pytest.fixture
def protected(path: Path, request: pytest.FixtureRequest):
    with AnnotationStore(path) as store:
        store.save_reading(CLIP, "clip.mp4", "AB", "ls_a")
    before = path.read_bytes()
    PROTECTIONS[request.param](path)
    yield path
    path.parent.chmod(0o755)
    path.chmod(0o644)
    assert path.read_bytes() == before
    assert {file.name for file in path.parent.iterdir()} <= {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    _sound(path)


@pytest.mark.parametrize("protected", PROTECTIONS, indirect=True)
def test_a_write_protected_place_says_so_and_nothing_changes(protected: Path) -> None:
    said = ran(OBEDIENT + SAYS_WHAT_HAPPENS, protected)
    assert said.startswith("labels.sqlite: the annotation store ")
    assert said.endswith(": choose a folder that you may write to.\n")


RUNS = "import sys; from lsgui.cli.main import run; sys.exit(run(sys.argv[1:]))"


@pytest.mark.parametrize("protected", [name for name in PROTECTIONS if "read" not in name], indirect=True)
def test_labels_are_read_from_a_write_protected_place(protected: Path) -> None:
    assert "clip.mp4" in ran(OBEDIENT + RUNS, "labels", "list", "--store", protected)
    assert "sound, 1 statement " in ran(OBEDIENT + RUNS, "labels", "check", "--store", protected)


# --- in use


def test_a_locked_store_says_so_from_every_command(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    AnnotationStore(path).close()
    table = path.with_name("labels.csv")
    table.write_text("clip,label,rater\nc.mp4,ls_a,AB\n")
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LsguiError, match="another program is writing to the annotation store"):
            AnnotationStore(path, busy_timeout_s=0.05)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with AnnotationStore(path, busy_timeout_s=0.05) as store, pytest.raises(LsguiError, match="try again"):
            store.merge(())
    assert run(["labels", "import", str(table), "--store", str(path)]) == 0
    assert capsys.readouterr().out.startswith("labels.sqlite: 1 statement ")


def test_two_programs_a_command_and_a_copy_at_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    AnnotationStore(path).close()
    table = path.with_name("labels.csv")
    table.write_text("clip,label,rater\n" + "".join(f"c{k}.mp4,ls_a,GH\n" for k in range(30)))
    children = [start(SPEAKER, path, k, f"R{k}") for k in range(2)]
    read: list[list[str]] = [[], []]
    readers = [
        threading.Thread(target=lambda k=k: read[k].extend(killed_after(children[k], 60, 0.0))) for k in range(2)
    ]
    for reader in readers:
        reader.start()
    assert run(["labels", "import", str(table), "--store", str(path)]) == 0
    assert run(["labels", "backup", str(path.with_name("copy.sqlite")), "--store", str(path)]) == 0
    for reader in readers:
        reader.join()
    with AnnotationStore(path) as store:
        kept = {said.uid for said in store.history()}
        assert len(store.records(rater="GH")) == 30
    assert set(read[0]) | set(read[1]) <= kept
    assert min(map(len, read)) >= 60
    _sound(path.with_name("copy.sqlite"))
    capsys.readouterr()


# --- torn, foreign, newer


DAMAGES = {
    "empty": lambda whole: b"",
    "cut": lambda whole: whole[: len(whole) // 2],
    "garbage": lambda whole: bytes(255 - k % 251 for k in range(len(whole))),
    "of another program": lambda whole: whole[:68] + bytes(4) + whole[72:],
    "newer": lambda whole: whole[:60] + (VERSION + 1).to_bytes(4, "big") + whole[64:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_command_refuses_what_it_cannot_trust(
    path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with AnnotationStore(path) as store:
        for k in range(40):
            store.save_reading(f"{k:064x}", "c" * 500, "AB", "ls_a")
    torn = DAMAGES[damage](path.read_bytes())
    path.write_bytes(torn)
    table = path.with_name("labels.csv")
    table.write_text("clip,label,rater\nc.mp4,ls_a,AB\n")
    out = path.with_name("out.json")
    for command in (
        ["list"],
        ["history"],
        ["agreement"],
        ["check"],
        ["export", out],
        ["backup", out],
        ["import", table],
    ):
        assert run(["labels", *map(str, command), "--store", str(path)]) == 2, command
        err = capsys.readouterr().err
        assert err.startswith("lsgui: labels.sqlite"), command
        assert err.count("\n") == 1
    assert run(["labels", "import", str(path), "--store", str(path.with_name("other.sqlite"))]) == 2
    assert path.read_bytes() == torn
    assert not out.exists()


def test_the_acts_of_this_file_are_real() -> None:
    """An administrator's child that obeys permissions is refused what the administrator is not."""
    probe = "import os, sys; os.chmod(sys.argv[1], 0)\ntry: open(sys.argv[1])\nexcept PermissionError: print('refused')"
    target = Path(os.environ["LSGUI_HOME"]) / "probe"
    target.write_text("x")
    said = ran(OBEDIENT + probe, target)
    assert said == ("" if sys.platform == "win32" else "refused\n")
