"""Files of strangers name other folders: nothing outside of where the user sends it is made, changed or read out."""

import csv
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsgui.annotation.by_name import hash_by_name
from lsgui.annotation.exchange_csv import COLUMNS
from lsgui.annotation.store import AnnotationStore
from lsgui.cli.main import run
from lsgui.core.reading import StatementKind

ROOT = Path(__file__).parents[2]
ABSENT = ROOT / "resources" / "demo" / "absent.dcm"
SECRET = "a line that nobody sent for"
POSIX = sys.platform != "win32"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, beside a folder of somebody else's that must stay as it is."""
    other = tmp_path / "other"
    (other / "clips").mkdir(parents=True)
    (other / "secret.json").write_text(json.dumps({"said": SECRET}))
    (other / "victim.csv").write_text(SECRET)
    shutil.copy(ABSENT, other / "clips" / "victim.dcm")
    work = tmp_path / "work"
    (work / "clips").mkdir(parents=True)
    shutil.copy(ABSENT, work / "clips" / "absent.dcm")
    monkeypatch.chdir(work)
    before = _all_of(other)
    yield work
    assert _all_of(other) == before
    assert {path.name for path in tmp_path.iterdir()} == {"other", "work"}


def _all_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


def _evil_names(work: Path) -> list[str]:
    other = work.parent / "other"
    return [
        "../other/victim.csv",
        "..",
        "../../../../../../tmp/lsgui-was-here",
        str(other / "victim.csv"),
        str(other / "clips" / "victim.dcm"),
        "clips/../../other/clips/victim.dcm",
        "..\\other\\victim.csv",
        "C:\\Windows\\victim.csv",
        "file:///etc/passwd",
        "|touch was_here",
        "$(touch was_here)",
        "-rf",
        "~/victim.csv",
        "CON",
        "a\u202efdp.exe",
    ]


def _csv(work: Path) -> Path:
    path = work / "evil.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for name in _evil_names(work):
            table.writerow({"clip": name, "rater": "EV", "sitting": "1", "label": "ls_a", "intervals": "0-20"})
    return path


def _metafile(work: Path) -> Path:
    path = work / "sliding_metafile.json"
    alone = {name.replace("\\", "/").rpartition("/")[2]: name for name in _evil_names(work)}  # a clip stands there once
    said = [{"video_name": name, "video_class": "ls_a", "cut_interval": [[0, 20]]} for name in alone.values()]
    path.write_text(json.dumps(said))
    return path


def _cvat(work: Path) -> Path:
    shapes = [{"type": "rectangle", "frame": 0, "label": "ls_a", "points": [1, 1, 9, 9], "source": "/etc/passwd"}]
    path = work / "victim.csv.cvat.json"
    path.write_text(json.dumps([{"version": 0, "tags": [], "shapes": shapes, "tracks": []}]))
    return path


def _store(work: Path) -> Path:
    path = work / "evil.sqlite"
    with AnnotationStore(path) as store:
        for name in _evil_names(work):
            store.say(hash_by_name(name), name, "../EV", StatementKind.LABEL, {"label": "ls_a"})
            store.say(hash_by_name(name), name, "../EV", StatementKind.COMMENT, f"../../{name}")
    return path


def _json(work: Path) -> Path:
    assert run(["labels", "export", "evil.json", "--store", str(_store(work))]) == 0
    return work / "evil.json"


@pytest.mark.parametrize("make", [_csv, _metafile, _cvat, _store, _json], ids=lambda make: make.__name__[1:])
def test_what_strangers_call_clips_leads_nowhere(desk: Path, make) -> None:
    """In through an import, out again through every export, with the clips at hand and without."""
    file = make(desk)
    assert run(["labels", "import", str(file), "--store", "s.sqlite", "--rater", "EV", "--clips", "clips"]) == 0
    with AnnotationStore(desk / "s.sqlite") as store:
        assert store.records(), "labels came in"
    for out in ("out.csv", "out.json", "sliding_metafile.json", "out.cvat.json", "set"):
        assert run(["labels", "export", out, "--store", "s.sqlite", "--clips", "clips"]) in (0, 2)
    for command in (("list",), ("agreement",), ("backup", "copy.sqlite"), ("verify",)):
        assert run(["labels", *command, "--store", "s.sqlite"]) in (0, 1, 2)
    assert not list(desk.rglob("was_here"))
    assert not Path("/tmp/lsgui-was-here").exists()
    for path in desk.rglob("*"):
        assert desk in path.resolve().parents
        if path.is_file() and path.suffix != ".dcm":
            assert SECRET.encode() not in path.read_bytes()


def test_a_data_set_that_names_others_files_reads_no_line_of_them(desk: Path, capsys) -> None:
    """A line that a data set names elsewhere is read as a line or refused in one sentence, never shown."""
    rows = [{"clip": "clips/absent.dcm", "label": "ls_a", "patient": "1", "source": "x", "roi": "../other/secret.json"}]
    with (desk / "dataset.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ("clip", "label", "patient", "source", "start", "stop", "roi"))
        table.writeheader()
        table.writerows(rows)
    assert run(["evaluate", "--data", ".", "--out", "run", "--model", "motion", "--device", "cpu"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert SECRET not in said


@pytest.mark.parametrize("linked", ["model.json", "model.safetensors"] * POSIX)
def test_a_model_with_links_brings_no_file_from_elsewhere(desk: Path, linked: str) -> None:
    """A card or weights that are links are either what the card's hash describes, copied, or refused."""
    shutil.copytree(ROOT / "trained_models" / "cmwru-strip", desk / "model")
    (desk / "model" / linked).unlink()
    (desk / "model" / linked).symlink_to(desk.parent / "other" / "secret.json")
    assert run(["models", "--add", "model", "--as", "evil"]) == 2
    home = Path(os.environ["LSGUI_HOME"])
    assert not list(home.rglob("evil"))
    assert not [path for path in home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
