"""`lsgui bench`: what it writes where, and what it refuses."""

import getpass
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from lsgui.bench import run as bench_run
from lsgui.bench.part_process import PartResult
from lsgui.bench.rows import Area, BenchRow
from lsgui.cli.main import run


def test_the_machine_is_told_without_names_of_people_or_hosts(capsys):
    assert run(["bench", "--only", "machine", "--quick", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert {"machine", "cold_start_s", "first_frame_ms", "decode_fps", "play", "inference", "flow", "memory_mb"} <= set(
        said
    )
    machine = said["machine"]
    assert machine["cores"] >= 1
    assert machine["gflops_float32"] > 0
    assert machine["copy_gb_s"] > 0
    assert {"python", "lsgui", "numpy", "torch"} <= set(machine["versions"])
    assert said["cold_start_s"] is None
    assert said["quick"] is True
    assert platform.node() not in out
    assert not re.search(rf"\b{re.escape(getpass.getuser())}\b", out)
    assert re.fullmatch(r"lsgui: measuring machine: under a minute on two cores\. Leave [^\n]+\n", err)


@pytest.fixture
def acted(monkeypatch):
    """Parts that are not measured: the first is good, the second fails as asked."""
    ends = {
        "machine": PartResult("machine", {}, (BenchRow(Area.FLOW, "a figure", 1.0),)),
        "flow": PartResult("flow", reason="flow: cannot be measured here."),
    }
    monkeypatch.setattr(bench_run, "run_part", lambda part, **_more: ends[part.name])
    return ends


ASKED = ["bench", "--only", "machine", "--only", "flow"]


def test_a_figure_that_cannot_be_had_here_is_null_with_its_reason(acted, tmp_path, capsys):
    assert run([*ASKED, "--json", str(tmp_path / "new" / "b.json")]) == 0
    said = json.loads((tmp_path / "new" / "b.json").read_text(encoding="utf-8"))
    assert said["flow"]["dis_ms"] is None
    assert said["not_measured"] == {"flow": "flow: cannot be measured here."}
    out, _ = capsys.readouterr()
    assert "a figure" in out, "people see the table as well"
    assert "Not measured: flow: cannot be measured here." in out


def test_a_fault_of_the_program_is_status_1_and_in_the_log(acted, capsys, home, expected_log_warnings):
    acted["flow"] = PartResult("flow", reason="flow: a fault of the program (X: y).", fault=True, details="its trace")
    assert run([*ASKED, "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)["not_measured"]["flow"].startswith("flow: a fault")
    assert any("its trace" in path.read_text(encoding="utf-8") for path in home.rglob("*.log"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "speed"], "There is no part 'speed' of the bench: choose among machine, "),
        (["--json", "{tmp}"], "cannot be written"),
        (["--json", "{tmp}/file/b.json"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(acted, arguments, words, tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(["bench", *(part.replace("{tmp}", str(tmp_path)) for part in arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def _hear_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background of a shell are deaf to it


@pytest.mark.parametrize("how", ["interrupted", "killed"])
def test_a_run_that_is_stopped_ends_every_process_and_leaves_no_file(how, tmp_path, monkeypatch):
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    command = [sys.executable, "-m", "lsgui", "bench", "--only", "networks", "--json", "-"]  # it takes a minute
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, preexec_fn=_hear_interrupts if os.name != "nt" else None) as process:
        family = psutil.Process(process.pid)
        deadline = time.monotonic() + 60.0
        while not list(tmp_path.glob("lsgui-bench-*/part.log")) and time.monotonic() < deadline:
            time.sleep(0.02)
        started = family.children(recursive=True)
        process.send_signal(signal.SIGINT) if how == "interrupted" else process.kill()
        out, err = process.communicate(timeout=60)
    assert started
    assert out == ""
    assert how == "killed" or process.returncode == 130
    assert "Traceback" not in err
    assert psutil.wait_procs(started, timeout=10)[1] == []
    assert list(tmp_path.iterdir()) == []
