"""`lsgui predict --cluster` with a real Dask scheduler and two worker processes on the loopback."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from lsgui.cli.main import run
from lsgui.cli.predict_cluster import _judge
from lsgui.cli.predict_work import ClipTask, WorkSetup

CLIPS = 5
LINE = {"frame": 0, "polyline": [[20, 60], [140, 60]]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(3)
    for number in range(CLIPS):
        (folder / f"clip_{number}").mkdir()
        wall = cv2.GaussianBlur(rng.normal(110, 60, (60, 160)), (0, 0), 1.0)
        for k in range(16):
            lung = cv2.GaussianBlur(rng.normal(110, 60, (60, 160)), (0, 0), 1.0)
            picture = np.clip(np.vstack([wall, lung]) + rng.normal(0, 2, (120, 160)), 0, 255).astype(np.uint8)
            cv2.line(picture, (0, 60), (160, 60), 230, 3)
            assert cv2.imwrite(str(folder / f"clip_{number}" / f"frame_{k}.png"), picture)
    (folder.parent / "line.json").write_text(json.dumps(LINE), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A scheduler without workers, started as the help page says."""
    where = tmp_path_factory.mktemp("cluster") / "scheduler.json"
    with _dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(where)) as process:
        try:
            _wait_for(lambda: where.exists() and where.stat().st_size > 0)
            yield json.loads(where.read_text(encoding="utf-8"))["address"]
        finally:
            _end(process)


@pytest.fixture
def workers(address, home):
    """Two worker processes, each judging one clip at a time; gives the process that keeps them."""
    options = ("--nworkers", "2", "--nthreads", "1", "--host", "127.0.0.1", "--local-directory", str(home))
    with _dask("worker", address, *options) as process:
        try:
            family = psutil.Process(process.pid)
            _wait_for(lambda: len(_dask_workers(family)) == 2)
            yield family
        finally:
            _end(process)


def _dask(*arguments):
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _dask_workers(family):
    return [child for child in family.children() if "spawn_main" in " ".join(child.cmdline())]


def _wait_for(done, within_s=60.0):
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _end(process):
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        if member.is_running():
            member.kill()
    psutil.wait_procs(family, timeout=10)


def _asked(study, *more):
    line = str(study.parent / "line.json")
    return ["predict", str(study), "--model", "motion", "--device", "cpu", "--roi", line, "--json", "-", *more]


def _said(text):
    return [{k: v for k, v in json.loads(line).items() if k not in ("seconds", "device")} for line in text.splitlines()]


def _ready(worker):
    """Whether a worker is at work on its first clip: torch is loaded by nothing else."""
    return any("torch" in one.path for one in worker.memory_maps())


@pytest.mark.parametrize("killed", [False, True], ids=["in peace", "one worker killed"])
def test_a_cluster_says_what_one_process_says(killed, study, address, workers, capsys, monkeypatch):
    missing = str(study / "missing.mp4")
    command = [sys.executable, "-m", "lsgui", *_asked(study, missing, "--cluster", address)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        if killed:
            victim = _dask_workers(workers)[0]
            _wait_for(lambda: _ready(victim))
            victim.kill()
        out, err = process.communicate(timeout=200)
    assert process.returncode == 2
    assert re.fullmatch(r"lsgui: missing\.mp4 [^\n]+\n", err)
    from lsgui.cli import predict_run

    monkeypatch.setattr(
        predict_run, "judge_in_processes", lambda setup, _jobs, tasks, tell: predict_run.judge_here(setup, tasks, tell)
    )
    assert run(_asked(study, missing)) == 2
    here = _said(capsys.readouterr().out)
    assert _said(out) == here
    assert [line["clip"] for line in here] == [*(f"clip_{k}" for k in range(CLIPS)), "missing.mp4"]
    assert ["error" in line for line in here] == [False] * CLIPS + [True]


def test_a_cluster_without_workers_is_one_sentence(study, address):
    code = (
        "import sys; import lsgui.cli.predict_cluster as part; part.CONNECT_S = 1.0; "
        "from lsgui.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    for where, words in (
        (address, "has no worker: start one with"),
        ("tcp://127.0.0.1:1", "No Dask scheduler answers"),
    ):
        command = [sys.executable, "-c", code, *_asked(study, "--cluster", where)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


def test_without_the_extra_one_sentence_says_how_to_install_it(study, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(_asked(study, "--cluster", "tcp://127.0.0.1:1")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "pip install 'lsgui[cluster]'" in err
    assert err.count("\n") == 1


def test_no_two_runs_share_a_key_for_a_scheduler_answers_a_known_one_with_the_former_run_s_answer() -> None:
    keys: list[str] = []

    class Scheduler:
        def submit(self, *_task: object, key: str, **_how: object) -> None:
            keys.append(key)
            raise ConnectionAbortedError

    tasks = {0: ClipTask(Path("clip.avi"))}
    for _ in range(2):
        with pytest.raises(ConnectionAbortedError):
            next(_judge(Scheduler(), WorkSetup("motion"), {}, tasks, print))
    assert len(set(keys)) == 2
