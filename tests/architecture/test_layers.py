"""Who may import whom, and what the window must not load."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_import_contracts_hold() -> None:
    # in a process of its own: import-linter sets up logging anew, which silences every logger that is there
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "kept_out"),
    [
        ("import lsgui.gui.main_window", {"torch", "torchvision", "pydicom", "sklearn", "scipy"}),
        ("from lsgui.cli.main import build_app; build_app()", {"torch", "PySide6", "pydicom", "cv2", "scipy"}),
        ("from lsgui.models.card import find_cards; find_cards()", {"torch", "PySide6"}),
        ("import lsgui.inference.protocol, lsgui.inference.process_session", {"torch", "PySide6"}),
    ],
)
def test_starting_loads_nothing_heavy(statement: str, kept_out: set[str]) -> None:
    assert not kept_out & _loaded_by(statement)
