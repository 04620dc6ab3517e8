"""What a library could do without is not loaded, and can be loaded afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsgui.core.kept_out import kept_out

ROOT = Path(__file__).parents[2]


def test_a_module_is_kept_out_of_the_block_alone():
    sys.modules.pop("this", None)
    with kept_out("this", "json"):
        import json  # loaded already: it stays

        assert json.loads("1") == 1
        with pytest.raises(ImportError):
            __import__("this")
    assert "this" not in sys.modules


@pytest.mark.parametrize("first", ["lsgui.readers.dicom_parts.instance", "lsgui.simulation.dicom_writer"])
def test_dicom_brings_nothing_that_downloads(tmp_path: Path, first: str) -> None:
    """Where `requests` is installed, DICOM does without it, and a notebook that uses lsgui still gets it."""
    (tmp_path / "requests.py").write_text("print('loaded')\n")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    code = f"import {first}\nprint('before')\nimport requests"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["before", "loaded"]
