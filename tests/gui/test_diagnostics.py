"""The diagnostics bundle: what it says of a session on clips with telling names, and that it names nobody."""

import json
import logging
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from label_samples import Key, ready
from PySide6.QtWidgets import QFileDialog
from window_samples import draw, press, until, write_clip

from lsgui.cli.main import run
from lsgui.core.errors import LsguiError
from lsgui.review.crash_file import stack_of, write_crash_file
from lsgui.review.leave_out import NamesLeftOut
from lsgui.review.log_file import start_log
from lsgui.review.paths import audit_file, labels_file
from lsgui.review.session_mark import begin_mark
from lsgui.review.state import AnalysisPhase, LoadPhase

SECRETS = (
    *("kowalski", "zdzislawa", "19570312", "marquardt", "praxis", "hzimmermann", "zimmermann", "radio-ws07", "ws07"),
    *("thorax17", "ward7a", "müßigbrodt"),
)


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, clips and a machine with telling names."""
    monkeypatch.setattr("getpass.getuser", lambda: "hzimmermann")
    monkeypatch.setattr("platform.node", lambda: "radio-ws07")
    folder = tmp_path / "Praxis Marquardt"
    folder.mkdir()
    write_clip(folder / "Kowalski Zdzislawa 19570312.avi")
    write_clip(folder / "Müßigbrodt.avi")
    (folder / "thorax17").write_bytes(b"nothing that can be read")
    (folder / "Kowalski broken.dcm").write_bytes(b"nothing that can be read")
    return folder


@pytest.fixture
def logged(home: Path) -> Iterator[None]:
    handler = start_log()
    yield
    logging.getLogger("lsgui").removeHandler(handler)
    handler.close()


def _texts(bundle: Path) -> dict[str, str]:
    with zipfile.ZipFile(bundle) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name).decode() for name in opened.namelist()}


def _leaks(bundle: Path) -> list[tuple[str, str]]:
    texts = _texts(bundle)
    where = {**texts, "names of parts": " ".join(texts)}
    return [(name, secret) for name, text in where.items() for secret in SECRETS if secret in text.lower()]


def test_a_session_on_telling_names_leaves_none_in_the_bundle(
    review, qtbot, named, logged, told_session, tmp_path, expected_log_warnings
):
    controller = review.controller
    controller.set_settings(replace(controller.settings, rater="Dr Zimmermann", raft_weights="/praxis/ward7a.pth"))
    controller.project.use_store(tmp_path / "ward7a Marquardt.sqlite")
    until(qtbot, lambda: controller.state.project != "")
    clip = named / "Kowalski Zdzislawa 19570312.avi"
    controller.open_paths([clip, named / "Müßigbrodt.avi", named / "Kowalski broken.dcm", named / "thorax17"])
    ready(review, qtbot, clip)
    draw(review)
    press(review, Key.Key_Return)
    until(qtbot, lambda: told_session.requests != [])
    told_session.finish()
    until(qtbot, lambda: controller.state.analysis.phase is AnalysisPhase.DONE)
    press(review, Key.Key_A)
    until(qtbot, lambda: controller.state.override is not None)
    controller.clips.select(2)
    until(qtbot, lambda: controller.state.clip.phase is LoadPhase.FAILED)
    log = logging.getLogger("lsgui.gui.samples")
    try:
        raise LsguiError(f"{named / 'thorax17'} holds nothing of Kowalski,\nnor of 'Müßigbrodt'.")
    except LsguiError as fault:
        log.warning("reading %s failed for hzimmermann on radio-ws07", clip.stem, exc_info=True)
        write_crash_file("LsguiError", stack_of(fault), {"thread": "MainThread"})
    out = tmp_path / "Praxis.zip"
    review.window.menus.actions["diagnostics"].trigger()
    dialog = review.window.commands.dialog
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit(str(out))
    dialog.close()
    until(qtbot, lambda: controller.state.notice.startswith("Praxis.zip is saved"))

    assert _leaks(out) == []
    texts = _texts(out)
    window, stores = json.loads(texts["window.json"]), json.loads(texts["stores.json"])
    assert (window["clips listed"], window["analysis"]) == (4, "idle")
    assert stores["annotation project"]["rows"]["history"] >= 3
    assert stores["annotation project"]["statements"]["override"] == 1
    assert stores["annotation project"]["quick check"] == "ok"
    assert json.loads(texts["audit.json"]) == {"entries": 2, "whole": True, "faults": []}
    settings = json.loads(texts["settings.json"])
    assert (settings["rater"], settings["store_file"], settings["raft_weights"]) == ("set", "set", "set")
    assert "opening clip #1" in texts["log/lsgui.log"]
    assert "lsgui.core.errors.LsguiError\n" in texts["log/lsgui.log"]
    (crash,) = [text for name, text in texts.items() if name.startswith("crashes/")]
    assert "thread: MainThread" in crash
    assert "LsguiError" in crash


def test_the_command_finds_the_names_of_a_former_run_on_its_own(
    review, qtbot, named, logged, tmp_path, monkeypatch, capsys
):
    clip = named / "Kowalski Zdzislawa 19570312.avi"
    review.controller.open_paths([clip])
    ready(review, qtbot, clip)
    press(review, Key.Key_P)
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    mark = begin_mark(named.parent / "home")
    mark.take_away()
    review.window.close()
    logging.getLogger("lsgui.gui.samples").info("said of Zdzislawa by %s", "hzimmermann")
    monkeypatch.setattr("lsgui.review.log_file._TAGS", {})
    monkeypatch.setattr("lsgui.review.log_file._NAMES", set())  # as in another process
    out = tmp_path / "bundle.zip"
    assert run(["diagnostics", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: {len(_texts(out))} files; nothing was sent.\n"
    assert _leaks(out) == []
    assert "said of (left out) by (left out)" in _texts(out)["log/lsgui.log"]


def test_whatever_is_broken_is_a_finding_and_the_rest_is_there(home, tmp_path, capsys, monkeypatch):
    labels_file().write_bytes(b"no database")
    audit_file().write_bytes(b"no database either")
    (home / "settings").mkdir(exist_ok=True)
    (home / "settings" / "settings.json").write_text("{")
    monkeypatch.setattr("lsgui.review.diagnostics.machine_facts", lambda: 1 / 0)
    out = tmp_path / "bundle.zip"
    assert run(["diagnostics", "--out", str(out)]) == 0
    texts = _texts(out)
    assert json.loads(texts["machine.json"]) == {"fault": "ZeroDivisionError"}
    assert json.loads(texts["stores.json"]) == {"own labels": {"fault": "DatabaseError"}}
    assert "damaged" in json.loads(texts["audit.json"])["faults"][0]
    models = json.loads(texts["models.json"])
    assert {"cmwru-strip", "motion"} <= {model["id"] for model in models}
    assert all(model["weights are those of the card"] for model in models)


def test_where_no_home_can_be_made_there_is_a_bundle_all_the_same(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LSGUI_HOME", str(tmp_path / "file" / "home"))
    out = tmp_path / "bundle.zip"
    assert run(["diagnostics", "--out", str(out)]) == 0
    texts = _texts(out)
    assert "Not a directory" in texts["log/none.txt"]
    assert json.loads(texts["audit.json"]) == {"fault": "NotADirectoryError"}
    assert json.loads(texts["versions.json"])["lsgui"]
    capsys.readouterr()
    assert run(["audit", "verify"]) == 2
    assert "no folder for it" in capsys.readouterr().err


def test_a_bundle_that_cannot_be_written_is_one_sentence(home, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert run(["diagnostics", "--out", str(tmp_path / "file" / "bundle.zip")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "cannot be written" in err
    assert len(err.splitlines()) == 1


RECORD = "2026-01-02 03:04:05,678 INFO lsgui.a [main]"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (f"{RECORD} opening clip-0123abcd", f"{RECORD} opening clip #1"),
        ("pydicom.errors.InvalidDicomError: Kowalski", "pydicom.errors.InvalidDicomError"),
        ('  File "/srv/x/lsgui/gui/app.py", line 3, in go', '  File "lsgui/gui/app.py", line 3, in go'),
        ("    go(path)", "    go(path)"),
        ("and a second line of what Kowalski said", "(left out)"),
        (f"{RECORD} no such key: 'Lindqvist'", f"{RECORD} no such key: (left out)"),
        (f"{RECORD} by Nowak_7", f"{RECORD} by (left out)_7"),
    ],
)
def test_of_a_log_the_programs_own_words_are_kept(line: str, kept: str):
    assert NamesLeftOut(["Nowak"]).log_without_names(line) == f"{kept}\n"


def test_names_of_two_letters_in_other_scripts_are_names():
    assert NamesLeftOut(["张伟"], [Path("/data/Ян Ли")]).without_names("张伟, Ли?") == "(left out), (left out)?"


def test_words_that_name_nobody_stay():
    left_out = NamesLeftOut(["clip 4", "root", "Frames", "No", "61234"], [Path("/data/clips/Kowalski Anna.mp4")])
    text = left_out.without_names("clip 4 of root: no frames of KOWALSKI, see 61234; annals")
    assert text == "clip 4 of root: no frames of (left out), see (left out); annals"
