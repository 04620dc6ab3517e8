"""What only a process can do: be killed, crash, stay silent, and end with its owner."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from acted_analysis import request

from lsgui.inference.process_session import ProcessSession
from lsgui.inference.protocol import Cancelled, Failed, Finished, Progress, WorkerReady, WorkerRestarting

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # asked anew, here and after the test


@pytest.fixture
def heard(listen):
    return listen(ProcessSession)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _worker_logs() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("lsgui-worker-*.log")}


def test_a_deaf_worker_is_killed_after_three_seconds_and_the_waiting_request_runs(heard):
    heard.session.submit(request(1, "deaf 60"))
    heard.until(lambda event: isinstance(event, Progress))
    first = heard.session.worker_pid
    begun = time.monotonic()
    heard.session.submit(request(2, "windows 1"))
    assert heard.until_end_of(1) == Cancelled(1)
    assert time.monotonic() - begun < 1.0
    restarting = heard.until_kind(WorkerRestarting)
    assert 2.5 < time.monotonic() - begun < 5.0
    assert restarting.reason == "The analysis did not stop when asked: a new worker is starting."
    assert isinstance(heard.until_end_of(2), Finished)
    assert heard.session.worker_pid != first


def test_a_native_crash_is_told_and_its_last_words_are_kept(heard, expected_log_warnings):
    heard.session.submit(request(1, "abort"))
    end = heard.until_end_of(1)
    assert isinstance(end, Failed)
    assert "ended unexpectedly" in end.sentence
    assert "_abort" in end.details, "the crash's stack comes from the worker's own log"
    assert any("_abort" in record.getMessage() for record in expected_log_warnings)


@pytest.mark.skipif("sys.platform == 'win32'", reason="no such signal there")
def test_a_worker_that_the_system_kills_is_replaced(heard, expected_log_warnings):
    heard.until_kind(WorkerReady)
    os.kill(heard.session.worker_pid, signal.SIGKILL)
    assert "lack of memory" in heard.until_kind(WorkerRestarting).reason
    heard.until_kind(WorkerReady)
    heard.session.submit(request(1, "windows 1"))
    assert isinstance(heard.until_end_of(1), Finished)
    assert expected_log_warnings


def test_the_worker_never_writes_to_the_terminal_and_leaves_no_file(listen, capfd):
    before = _worker_logs()
    heard = listen(ProcessSession)
    heard.session.submit(request(1, "talk"))
    assert isinstance(heard.until_end_of(1), Finished)
    assert _worker_logs() - before
    heard.session.close()
    assert capfd.readouterr() == ("", "")
    assert not _worker_logs() - before


@pytest.mark.skipif("sys.platform == 'win32'", reason="priorities are read differently there")
def test_the_worker_steps_back_for_the_window(heard):
    heard.until_kind(WorkerReady)
    own = os.getpriority(os.PRIO_PROCESS, os.getpid())
    assert os.getpriority(os.PRIO_PROCESS, heard.session.worker_pid) == min(own + 10, 19)


def test_a_large_clip_crosses_without_holding_up_the_owner(heard):
    heard.until_kind(WorkerReady)
    frames = np.zeros((200, 1000, 1000), np.uint8)  # 200 MB
    frames[::2, 7] = 255
    heard.session.submit(request(1, "windows 1", frames=frames[:, ::-1]))  # not contiguous: it must be copied first
    longest, last = 0.0, time.perf_counter()
    while not isinstance(heard.session.poll(0), Finished):
        time.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    assert longest < 1.0, "another thread of the owner was held up"
    heard.session.submit(request(2, "windows 1", frames=frames))
    assert heard.until_end_of(2).prediction.p_absent == pytest.approx(0.0005)


def test_close_ends_a_deaf_worker(heard):
    heard.session.submit(request(1, "deaf 60"))
    heard.until(lambda event: isinstance(event, Progress))
    pid = heard.session.worker_pid
    begun = time.monotonic()
    heard.session.close()
    assert time.monotonic() - begun < 3.0
    assert not _alive(pid)


_OWNER = """
import sys
sys.path[:0] = {paths!r}
from acted_analysis import request
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.process_session import ProcessSession
from lsgui.inference.protocol import Finished, Progress, WorkerReady

session = ProcessSession(WorkerPlan("acted_analysis:act", "acted_analysis:fake_devices", 1))
session.start()
session.submit(request(1, sys.argv[1]))
while not isinstance(session.poll(10.0), {wait_for}):
    pass
print(session.worker_pid, flush=True)
{then}
"""


def _owner(wait_for: str, then: str) -> str:
    return _OWNER.format(paths=[str(Path(__file__).parent), str(ROOT)], wait_for=wait_for, then=then)


def test_the_worker_ends_when_its_owner_crashes():
    before = _worker_logs()
    script = _owner("Progress", "import os; os._exit(9)")
    done = subprocess.run(
        [sys.executable, "-c", script, "deaf 60"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 9, done.stderr
    pid = int(done.stdout)
    deadline = time.monotonic() + 3.0
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(pid)
    if sys.platform != "win32":
        assert _worker_logs() <= before, "no file is left behind"


def test_a_main_module_that_cannot_be_imported_again_does_not_matter(tmp_path):
    script = tmp_path / "once.py"
    script.write_text("from pathlib import Path\nPath(__file__).unlink()\n" + _owner("Finished", "session.close()"))
    done = subprocess.run(
        [sys.executable, str(script), "windows 1"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_owner_that_forgets_to_close_still_ends_clean():
    done = subprocess.run(
        [sys.executable, "-c", _owner("Finished", ""), "windows 1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    pid = int(done.stdout)
    deadline = time.monotonic() + 3.0
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(pid)


def test_the_owner_never_loads_torch():
    code = (
        "import sys; import lsgui.inference.process_session, lsgui.inference.local_session, lsgui.models.card; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
