"""From readings to new weights: what raters said becomes a data set, and lsgui train takes it as it is."""

import csv
import json
import sys
from pathlib import Path

import pytest

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.cli.main import run
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import StatementKind
from lsgui.training.data.data_folder import read_folder

TESTS = Path(__file__).resolve().parents[1]
SMALL = ["epochs=1", "batch=4", "frames=8", "size=32", "head=pooled", "split=.5,.25,.25", "workers=0"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sys.path.insert(0, str(TESTS / "training"))
    from tiny_clips import write_tiny_clips

    folder = write_tiny_clips(tmp_path_factory.mktemp("data") / "clips", count=12)
    (folder / "dataset.csv").unlink()
    return folder


@pytest.fixture
def store(tmp_path: Path, clips: Path) -> Path:
    """Two raters who agree on all but the last clip, two clips a patient, a line on the first."""
    path = tmp_path / "study.sqlite"
    with AnnotationStore(path) as opened:
        for number in range(12):
            clip = clips / f"clip_{number:02d}"
            digest = content_hash(clip)
            for rater in ("AB", "CD"):
                label = "ls_a" if number % 2 and (rater, number) != ("CD", 11) else "ls_p"
                opened.save_reading(digest, clip.name, rater, label)
        line = PleuralROI.single(0, [[4.0, 32.0], [60.0, 32.0]]).to_json()
        digest = content_hash(clips / "clip_00")
        opened.say(digest, "clip_00", "AB", StatementKind.LINE, line)
    return path


def test_labels_train_a_network_that_then_judges(
    clips: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patients = tmp_path / "patients.csv"
    rows = [f"clip_{number:02d},P{number // 2},ward" for number in range(12)]
    patients.write_text("\n".join(["clip,patient,source", *rows]))
    data, out = tmp_path / "set", tmp_path / "out"
    asked = ["labels", "export", str(data), "--store", str(store), "--clips", str(clips)]
    assert run([*asked, "--patients", str(patients)]) == 0
    printed, told = capsys.readouterr()
    assert printed == "set/dataset.csv: 11 rows of 11 clips.\n"
    assert told == "lsgui: clip_11 is read differently by its raters and is left out: adjudicate it.\n"
    found = read_folder(data)
    assert (len(found.rows), found.missing) == (11, ())
    assert {row.patient for row in found.rows} == {f"P{number}" for number in range(6)}
    assert [row.clip.name for row in found.rows if row.roi] == ["clip_00"]
    settings = [part for text in SMALL for part in ("--set", text)]
    assert run(["train", "--data", str(data), "--model", "cmwru", "--out", str(out), "--device", "cpu", *settings]) == 0
    capsys.readouterr()
    assert run(["predict", str(clips / "clip_01"), "--model", str(out), "--device", "cpu", "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["model"]["sha256"] == json.loads((out / "model.json").read_text())["sha256"]


def test_patients_are_pseudonyms_that_keep_clips_together(
    clips: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lsgui.annotation.clip_facts import ClipFacts

    with AnnotationStore(store) as opened:
        for number in range(4):
            clip = clips / f"clip_{number:02d}"
            patient = opened.pseudonym("Doe^Jane")
            opened.save_clip(ClipFacts(content_hash(clip), clip.name, 16, 20.0, 64, 64, patient))
    data = tmp_path / "set"
    assert run(["labels", "export", str(data), "--store", str(store), "--clips", str(clips), "--consensus", "AB"]) == 0
    assert capsys.readouterr().err == (
        "lsgui: 8 clips have no known patient, so that each clip counts as a patient of its own: name them with "
        "--patients: clip_04, clip_05, clip_06 and others.\n"
    )
    rows = list(csv.DictReader((data / "dataset.csv").read_text().splitlines()))
    assert len({row["patient"] for row in rows[:4]}) == 1
    assert len({row["patient"] for row in rows}) == 9
    assert "Doe" not in (data / "dataset.csv").read_text()


def test_a_table_of_patients_that_names_a_strange_clip_is_refused(
    clips: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patients = tmp_path / "patients.csv"
    patients.write_text("clip,patient\nnobody,P1\n")
    asked = ["labels", "export", str(tmp_path / "set"), "--store", str(store), "--clips", str(clips)]
    assert run([*asked, "--patients", str(patients)]) == 2
    assert "name no clip 'nobody'" in capsys.readouterr().err
    assert run(asked[:-2]) == 2
    assert capsys.readouterr().err.endswith("A data set names clips where they lie: say where with --clips.\n")
