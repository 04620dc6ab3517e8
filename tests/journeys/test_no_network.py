"""No command and no window opens a connection or asks for an address: watched in real processes and in their children.

The watch is put into every Python that is started (`network_guard/sitecustomize.py`). The last tests show that it sees
what it is there for, in a child's child too.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lsgui.simulation.movie_writer import write_avi

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DEMO = ROOT / "resources" / "demo"
SMALL = ("epochs=1", "batch=4", "frames=8", "size=32", "head=pooled", "split=.5,.25,.25", "workers=0", "patience=1")


@pytest.fixture
def watched(tmp_path: Path, home: Path):
    """Runs a command under the watch and returns (exit status, standard error, what was noted, how many processes)."""

    def start(*command: str) -> tuple[int, str, list[str], int]:
        notes = tmp_path / "notes"
        env = {**os.environ, "NETWORK_GUARD": str(notes), "OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen"}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE / "network_guard"), env.get("PYTHONPATH"))))
        env["CI"] = ""  # some libraries keep quiet where they are tested
        done = subprocess.run(
            [sys.executable, *command], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=200
        )
        rows = notes.read_text(encoding="utf-8").splitlines()
        seen = {row.split()[0] for row in rows if row.split()[1] == "watched"}
        return done.returncode, done.stderr, [row for row in rows if row.split()[1] != "watched"], len(seen)

    return start


def test_the_window_analyses_a_clip_without_a_connection(watched, tmp_path: Path) -> None:
    status, errors, noted, processes = watched(
        "-m", "lsgui", "open", str(DEMO / "sliding.mp4"), "--screenshot", str(tmp_path / "window.png")
    )
    assert (status, noted) == (0, []), errors
    assert (tmp_path / "window.png").stat().st_size > 10_000
    assert processes >= 2, "the worker is watched as well"


def test_predict_in_processes_opens_no_connection(watched, tmp_path: Path) -> None:
    clips = [str(DEMO / "sliding.mp4"), str(DEMO / "absent.dcm")]
    status, errors, noted, processes = watched(
        "-m", "lsgui", "predict", *clips, "--jobs", "2", "--json", "a.json", "--store", "s.sqlite"
    )
    assert (status, noted) == (0, []), errors
    assert processes >= 2
    assert (tmp_path / "a.json").read_text(encoding="utf-8").count("p_absent_interval") == 2


def test_training_opens_no_connection(watched, tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "tests" / "training"))
    from tiny_clips import write_tiny_clips

    clips = write_tiny_clips(tmp_path / "clips")
    asked = ["train", "--data", str(clips), "--model", "cmwru", "--out", "run", "--device", "cpu"]
    status, errors, noted, _ = watched("-m", "lsgui", *asked, *(part for text in SMALL for part in ("--set", text)))
    assert (status, noted) == (0, []), errors
    assert (tmp_path / "run" / "model.safetensors").is_file()


@pytest.mark.parametrize("command", [("models", "--json"), ("--version",), ("labels", "list"), ("info",)], ids=" ".join)
def test_small_commands_open_no_connection(watched, command: tuple[str, ...]) -> None:
    more = (str(DEMO / "absent.dcm"),) if command == ("info",) else ()
    status, _, noted, _ = watched("-m", "lsgui", *command, *more)
    assert status == (2 if command[0] == "labels" else 0)
    assert noted == []


def test_a_movie_that_names_other_files_fetches_none(watched, tmp_path: Path) -> None:
    """A playlist, whatever it is called, is not opened as a movie; nor is one that follows a movie's first bytes."""
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/clip.ts\n#EXT-X-ENDLIST\n"
    write_avi(tmp_path / "whole.avi", np.zeros((4, 64, 64), np.uint8), 10.0)
    (tmp_path / "list.mp4").write_bytes(playlist)
    (tmp_path / "list.avi").write_bytes((tmp_path / "whole.avi").read_bytes()[:12] + playlist)
    (tmp_path / "concat.mkv").write_bytes(b"\x1a\x45\xdf\xa3ffconcat version 1.0\nfile http://127.0.0.1:9/clip.ts\n")
    for name in ("list.mp4", "list.avi", "concat.mkv"):
        status, errors, noted, _ = watched("-m", "lsgui", "info", name)
        assert (status, noted) == (2, []), errors
        assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import socket; socket.socket()", "socket.__new__"),
        ("import socket; socket.getaddrinfo('localhost', 80)", "socket.getaddrinfo"),
        ("import urllib.request as r\ntry: r.urlopen('http://127.0.0.1:9')\nexcept OSError: pass", "socket.connect"),
        (
            "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'])",
            "socket.__new__",
        ),
    ],
)
def test_the_watch_sees(watched, code: str, words: str) -> None:
    _, _, noted, processes = watched("-c", code)
    assert any(words in row for row in noted)
    assert processes == (2 if "subprocess" in code else 1)


def test_the_watch_sees_what_python_does_not_tell(watched) -> None:
    """A native library's own socket shows among the open files."""
    if not sys.platform.startswith("linux"):
        return
    address = r"b'\x02\0\0\x09\x7f\0\0\x01' + bytes(8)"  # 127.0.0.1, port 9
    code = f"import ctypes, time\nc = ctypes.CDLL(None)\nc.connect(c.socket(2, 2, 0), {address}, 16)\ntime.sleep(0.5)"
    _, _, noted, _ = watched("-c", code)
    assert any("an open udp socket" in row for row in noted), noted


def test_what_reports_to_its_makers_is_kept_out(watched) -> None:
    """OpenVINO's own package for that would connect at its import: it is not imported."""
    code = (
        "import sys\nfrom lsgui.inference.openvino_library import openvino\nopenvino()\n"
        "assert sys.modules.get('openvino_telemetry') is None\nassert sys.modules.get('openvino.tools.ovc') is None"
    )
    status, errors, noted, _ = watched("-c", code)
    assert (status, noted) == (0, []), errors
