"""Threads that load large libraries at the same moment, each through its own door, all get them whole."""

import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lsgui.bench.sample_dicom import JPEG, write_dicom
from lsgui.core import late_imports
from lsgui.core.late_imports import load

AT_ONCE = """
import sys, threading
from pathlib import Path
from lsgui.core.late_imports import load
from lsgui.readers.base import open_source
from lsgui.review.store_facts import read_identity_of

sys.setswitchinterval(1e-5)  # threads change places as often as they can
clip, faults = Path(sys.argv[1]), []

doors = [
    lambda: read_identity_of(clip),
    lambda: open_source(clip).close(),
    lambda: load("lsgui.readers.base", "cv2", "PIL.Image", "pydicom.dataset", calm=True),
    lambda: load("lsgui.inference.preparation", "lsgui.export.request"),
]
start = threading.Barrier(len(doors))


def go(door):
    start.wait()
    try:
        door()
    except BaseException as fault:
        faults.append(repr(fault))


threads = [threading.Thread(target=go, args=(door,), daemon=True) for door in doors]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(30)
assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"
assert not faults, faults
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = [np.full((64, 80), 40 * number, np.uint8) for number in range(3)]
    return write_dicom(tmp_path_factory.mktemp("late") / "clip.dcm", frames, JPEG)


@pytest.mark.parametrize("time", range(3))  # it is a matter of chance which thread comes first
def test_threads_that_load_at_the_same_moment_all_get_whole_libraries(clip: Path, time: int):
    command = [sys.executable, "-c", AT_ONCE, str(clip)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of five modules whose imports are noted."""
    folder = tmp_path / "late_sample"
    folder.mkdir()
    (folder / "__init__.py").write_text("from late_sample import a, b, c, d\n")
    for name in "abcd":
        (folder / f"{name}.py").write_text("import threading\nloader = threading.get_ident()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(late_imports, "_loaded", set())
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "late_sample"]:
        del sys.modules[name]


def test_a_library_that_is_missing_is_looked_for_again(package: Path):
    (package / "c.py").unlink()
    with pytest.raises(ImportError):
        load("late_sample")
    assert "late_sample" not in sys.modules
    (package / "c.py").write_text("loader = 1\n")
    importlib.invalidate_caches()
    load("late_sample")
    assert sys.modules["late_sample.c"].loader == 1


def test_calm_loading_rests_before_each_module_but_not_while_somebody_waits(
    package: Path, monkeypatch: pytest.MonkeyPatch
):
    rests: list[int] = []
    monkeypatch.setattr(late_imports, "_loaded", set())
    monkeypatch.setattr(late_imports.time, "sleep", lambda _seconds: rests.append(threading.get_ident()))
    load("late_sample", calm=True)
    assert rests == [threading.get_ident()] * 5
    assert not [finder for finder in sys.meta_path if isinstance(finder, late_imports._Rests)]
    for name in [name for name in sys.modules if name.split(".")[0] == "late_sample"]:
        del sys.modules[name]
    monkeypatch.setattr(late_imports, "_loaded", set())
    monkeypatch.setattr(late_imports, "_waiting", [0])
    rests.clear()
    load("late_sample", calm=True)
    assert "late_sample.d" in sys.modules
    assert not rests
