"""`lsgui predict` on many clips: shared out to processes, resumed after an interruption, spoilt by no single clip."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

import lsgui
from lsgui.cli.main import run
from lsgui.cli.predict_record import SUFFIX, RunIdentity
from lsgui.cli.predict_work import ClipTask

LINE = {"frame": 0, "polyline": [[20, 60], [140, 60]]}
NAMES = ["clip_1", "clip_2", "clip_3", "clip_4"]


def _write_clip(folder, seed, frames=16):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    wall = cv2.GaussianBlur(rng.normal(110, 60, (60, 160)), (0, 0), 1.0)
    for k in range(frames):
        picture = np.full((120, 160), 90.0)
        picture[:60] = wall
        picture[58:62] = 230
        picture[62:] = cv2.GaussianBlur(rng.normal(110, 60, (58, 160)), (0, 0), 1.0)
        noisy = np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        assert cv2.imwrite(str(folder / f"frame_{k}.png"), noisy)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    for seed, name in enumerate(NAMES):
        _write_clip(folder / name, seed)
    return folder


@pytest.fixture
def study(made, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(made, folder)
    (tmp_path / "line.json").write_text(json.dumps(LINE), encoding="utf-8")
    return folder


@pytest.fixture
def asked(study):
    return ["predict", str(study), "--model", "motion", "--roi", str(study.parent / "line.json")]


def _without_times(text):
    return [{k: v for k, v in json.loads(line).items() if k not in ("seconds", "device")} for line in text.splitlines()]


def test_processes_say_what_one_process_says_in_the_same_order(asked, tmp_path, capsys, monkeypatch):
    from lsgui.cli import predict_run

    outputs = {}
    for jobs in ("2", "here"):
        out = tmp_path / jobs
        more = ["--overlay", str(out / "p"), "--csv", str(out / "a.csv"), "--store", str(out / "s.sqlite")]
        with monkeypatch.context() as patch:
            if jobs == "here":
                here = partial(_in_this_process, predict_run.judge_here)
                patch.setattr(predict_run, "judge_in_processes", here)
            assert run([*asked, "--jobs", "2", "--json", "-", *more]) == 0
        outputs[jobs] = _without_times(capsys.readouterr().out)
        with (out / "a.csv").open(encoding="utf-8", newline="") as file:
            assert [row["clip"] for row in csv.DictReader(file)] == NAMES
        assert sorted(path.name for path in out.iterdir()) == ["a.csv", "p", "s.sqlite"], "no record is left"
    assert outputs["2"] == outputs["here"]
    assert [said["clip"] for said in outputs["2"]] == NAMES
    for name in NAMES:
        one, two = (cv2.imread(str(tmp_path / jobs / "p" / f"{name}.png")) for jobs in ("here", "2"))
        assert np.array_equal(one, two)
    from lsgui.annotation.store import AnnotationStore

    with AnnotationStore(tmp_path / "2" / "s.sqlite") as store:
        assert sorted(one.file_name for one in store.all_verdicts()) == NAMES


def _in_this_process(judge, setup, _jobs, tasks, tell):
    return judge(setup, tasks, tell)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--jobs", "0"], "--jobs 0 is out of range: choose 1 or more."),
        (["--resume"], "--resume goes on with a file: name it with --json or --csv."),
        (["--resume", "--json", "-"], "--resume goes on with a file"),
        (["--jobs", "2", "--cluster", "tcp://127.0.0.1:1"], "choose one of them"),
    ],
)
def test_what_does_not_fit_is_one_sentence(asked, arguments, words, capsys):
    assert run([*asked, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


# --- real processes that are ended ------------------------------------------------------------------------------


def _hear_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background of a shell are deaf to it


class Running:
    """A run of the command in a process of its own, with whatever it started."""

    def __init__(self, arguments):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lsgui", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hear_interrupts if os.name != "nt" else None,
        )
        self._family = psutil.Process(self._process.pid)

    def workers(self):
        return [child for child in self._family.children() if "spawn_main" in " ".join(child.cmdline())]

    def wait_for(self, done, within_s=60.0):
        deadline = time.monotonic() + within_s
        while not done():
            assert self._process.poll() is None, self._process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self):
        before = self._family.children(recursive=True)
        self._process.kill()
        self._process.communicate()
        return before

    def interrupt(self):
        before = self._family.children(recursive=True)
        self._process.send_signal(signal.SIGINT)
        return before, *self.end()

    def end(self):
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, out, err


def _all_gone(processes, within_s=10.0):
    return not psutil.wait_procs(processes, timeout=within_s)[1]


def _lines(path):
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


@pytest.fixture
def temporary(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("temporary")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(folder))
    return folder


@pytest.mark.parametrize("after", [1, 2])
def test_a_run_that_is_killed_loses_what_was_running_and_is_resumed(after, asked, tmp_path, capsys, temporary):
    target, record = tmp_path / "a.jsonl", tmp_path / f"a.jsonl{SUFFIX}"
    running = Running([*asked, "--json", str(target), "--jobs", "2"])
    running.wait_for(lambda: _lines(record) >= after)
    assert _all_gone(running.kill()), "no worker outlives the run"
    assert not list(temporary.glob("lsgui-workers-*"))
    assert not target.exists(), "a file appears whole"
    kept = [json.loads(line)["clip"] for line in record.read_text(encoding="utf-8").splitlines()]
    assert len(kept) >= after
    with record.open("a", encoding="utf-8") as file:
        file.write('{"clip": "clip_4", "run": "half a li')
    assert run([*asked, "--json", str(target), "--resume", "--jobs", "1"]) == 0
    assert capsys.readouterr() == ("", "")
    resumed = target.read_text(encoding="utf-8")
    assert [said["clip"] for said in _without_times(resumed)] == NAMES
    entries = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [entry["clip"] for entry in entries[: len(kept)]] == kept, "what was kept is not judged again"
    assert sorted(entry["clip"] for entry in entries) == NAMES
    assert run([*asked, "--json", "-"]) == 0
    assert _without_times(resumed) == _without_times(capsys.readouterr().out)


def test_an_interrupt_ends_every_process_and_says_how_to_go_on(asked, study, tmp_path):
    for number in range(5, 15):  # enough to do that it is still at work when the interrupt comes
        shutil.copytree(study / NAMES[0], study / f"clip_{number}")
    record = tmp_path / f"a.jsonl{SUFFIX}"
    running = Running([*asked, "--json", str(tmp_path / "a.jsonl"), "--jobs", "1"])
    running.wait_for(lambda: _lines(record) >= 1)
    before, status, out, err = running.interrupt()
    assert (status, out) == (130, "")
    assert re.fullmatch(r"lsgui: \d+ answers? kept: the same command with --resume goes on.\n", err)
    assert _all_gone(before)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [record.name, "line.json", "study"]


def test_a_worker_that_is_killed_spoils_its_own_clip_alone(asked, tmp_path, home):
    target, record = tmp_path / "a.jsonl", tmp_path / f"a.jsonl{SUFFIX}"
    running = Running([*asked, "--json", str(target), "--jobs", "1"])
    running.wait_for(lambda: _lines(record) >= 1)
    (worker,) = running.workers()
    worker.kill()
    status, out, err = running.end()
    assert (status, out) == (2, "")
    assert re.fullmatch(r"lsgui: clip_\d: its analysis ended unexpectedly \(.*\n", err)
    said = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [line["clip"] for line in said] == NAMES
    (spoilt,) = [line for line in said if "error" in line]
    assert set(spoilt) == {"clip", "error"}
    assert f"{spoilt['clip']}: its analysis ended unexpectedly (" in spoilt["error"]
    logs = [path for path in home.rglob("*.log") if "a worker of predict ended" in path.read_text(encoding="utf-8")]
    assert len(logs) == 1


# --- what is taken over -----------------------------------------------------------------------------------------


@pytest.fixture
def judged(monkeypatch):
    """Run clips in this process and count those that are really judged."""
    from lsgui.cli import predict_run
    from lsgui.decoding import clip_opening

    seen = []
    plain = clip_opening.open_clip_apart

    def counting(decoder, path):
        seen.append(path.name)
        return plain(decoder, path)

    monkeypatch.setattr(clip_opening, "open_clip_apart", counting)
    monkeypatch.setattr(predict_run, "judge_in_processes", partial(_in_this_process, predict_run.judge_here))
    return seen


def test_a_folder_that_has_grown_is_judged_where_it_has(asked, study, tmp_path, judged, capsys):
    resumed = [*asked, "--json", str(tmp_path / "a.jsonl"), "--csv", str(tmp_path / "a.csv"), "--resume"]
    assert run(resumed) == 0
    assert judged == NAMES
    first = (tmp_path / "a.jsonl").read_text(encoding="utf-8"), (tmp_path / "a.csv").read_text(encoding="utf-8")
    judged.clear()
    assert run(resumed) == 0
    assert judged == []
    assert first == tuple((tmp_path / name).read_text(encoding="utf-8") for name in ("a.jsonl", "a.csv"))
    (study / "clip_1").rename(study / "clip_9")  # another name: another row
    _write_clip(study / "clip_5", seed=9)
    (study / "clip_3" / "frame_0.png").unlink()  # another content
    assert run(resumed) == 0
    assert judged == ["clip_3", "clip_5", "clip_9"]
    said = _without_times((tmp_path / "a.jsonl").read_text(encoding="utf-8"))
    assert [line["clip"] for line in said] == ["clip_2", "clip_3", "clip_4", "clip_5", "clip_9"]
    assert capsys.readouterr() == ("", "")


def test_another_line_device_or_output_and_a_damaged_record_judge_anew(asked, tmp_path, judged):
    resumed = [*asked, "--json", str(tmp_path / "a.jsonl"), "--resume"]
    lines = dict.fromkeys(NAMES, LINE)
    (tmp_path / "line.json").write_text(json.dumps(lines), encoding="utf-8")
    assert run(resumed) == 0
    judged.clear()
    lines["clip_2"] = {"frame": 0, "polyline": [[22, 60], [138, 60]]}
    (tmp_path / "line.json").write_text(json.dumps(lines), encoding="utf-8")
    assert run(resumed) == 0
    assert judged == ["clip_2"]
    judged.clear()
    assert run([*resumed, "--overlay", str(tmp_path / "p")]) == 0
    assert judged == NAMES, "their pictures are missing"
    judged.clear()
    assert run([*resumed, "--device", "cpu"]) == 0
    assert judged == NAMES
    judged.clear()
    record = tmp_path / f"a.jsonl{SUFFIX}"
    damaged = record.read_bytes().replace(b'"said"', b'"sad"')
    record.write_bytes(damaged)
    assert run(resumed) == 0
    assert judged == NAMES


def test_a_clip_that_could_not_be_judged_is_tried_again(asked, study, tmp_path, judged):
    broken = study / "clip_7.mp4"
    broken.write_bytes(b"\0" * 999)
    resumed = [*asked, "--json", str(tmp_path / "a.jsonl"), "--resume"]
    assert run(resumed) == 2
    judged.clear()
    assert run(resumed) == 2
    assert judged == ["clip_7.mp4"]
    said = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert ["error" in line for line in said] == [False] * 4 + [True]


def test_a_run_that_is_not_resumed_says_that_one_was_interrupted(asked, tmp_path, judged, capsys):
    (tmp_path / f"a.jsonl{SUFFIX}").write_text("{}\n", encoding="utf-8")
    assert run([*asked, "--json", str(tmp_path / "a.jsonl")]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "lsgui: a.jsonl.record is of an interrupted run, which --resume would go on with.\n"
    assert judged == NAMES
    assert not (tmp_path / f"a.jsonl{SUFFIX}").exists()


@pytest.mark.parametrize(("as_done", "order"), [((), ["clip_1", "clip_2"]), (("--as-done",), ["clip_2", "clip_1"])])
def test_answers_come_in_the_order_of_the_clips_or_as_they_end(as_done, order, asked, study, capsys, monkeypatch):
    from lsgui.cli import predict_run

    for name in ("clip_3", "clip_4"):
        shutil.rmtree(study / name)

    def last_first(setup, _jobs, tasks, tell):
        yield from predict_run.judge_here(setup, dict(reversed(tasks.items())), tell)

    monkeypatch.setattr(predict_run, "judge_in_processes", last_first)
    assert run([*asked, "--json", "-", *as_done]) == 0
    assert [json.loads(line)["clip"] for line in capsys.readouterr().out.splitlines()] == order


def test_answers_are_written_while_others_are_judged(asked, capsys, monkeypatch):
    from lsgui.cli import predict_run

    seen = []

    def watched(setup, _jobs, tasks, tell):
        for outcome in predict_run.judge_here(setup, tasks, tell):
            seen.append(len(capsys.readouterr().out.splitlines()))
            yield outcome

    monkeypatch.setattr(predict_run, "judge_in_processes", watched)
    assert run([*asked, "--json", "-"]) == 0
    assert seen == [0, 1, 1, 1], "each line is out before the next clip ends"


def test_records_are_text_without_folders(asked, study, tmp_path, judged):
    assert run([*asked, "--json", str(tmp_path / "a.jsonl"), "--resume"]) == 0
    text = (tmp_path / f"a.jsonl{SUFFIX}").read_text(encoding="utf-8")
    assert str(study) not in text
    assert os.sep not in Path(json.loads(text.splitlines()[0])["clip"]).name


def test_another_program_or_model_is_another_run():
    task = ClipTask(Path("clip.mp4"))
    identity = RunIdentity("motion", "1", "", "auto")
    others = [replace(identity, **{name: "other"}) for name in ("model", "version", "sha256", "device", "program")]
    assert len({run.of(task) for run in [identity, *others]}) == 6
    assert identity.program == lsgui.__version__
