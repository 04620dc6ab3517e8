"""Nothing that a file or a name says can run, start a program, leave its folder or open a connection.

Every place that could is named here with its reason; a new one fails until a person has looked at it and written why.
A place that is no longer needed fails as well.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `dangers`

from dangers import dangers_in

ROOT = Path(__file__).resolve().parents[2]

OWN_CHILDREN = (
    "processes of this program, started by it from its own code (spawn, never a file's or a user's words). What goes "
    "through their pipes is pickled, by both ends of one program: the pipes are unnamed (POSIX) or named at random and "
    "opened to this user alone (Windows), and nobody else holds an end"
)
OWN_MODULES = "names of modules of this package, listed from its own folders or written in its own code"
A_PROGRAM = "a list of arguments, no shell; the program is this Python, or one that is named in the code"

ALLOWED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "multiprocessing": (
        OWN_CHILDREN,
        (
            "lsgui/gui/play_report.py",
            "packaging/fault_acts_closing.py",
            *("lsgui/__main__.py", "lsgui/bench/part_process.py", "lsgui/decoding/decoder_process.py"),
            *("lsgui/export/export_process.py", "lsgui/gui/memory_test.py"),
            *("lsgui/inference/process_session.py", "lsgui/inference/worker_pool.py"),
            *("lsgui/readers/dicom_parts/deep_jpeg.py", "lsgui/simulation/dataset.py"),
            *("lsgui/training/data/edited_dataset.py", "lsgui/training/data/stack_making.py"),
            *("lsgui/training/evaluation/clip_scoring.py", "packaging/fault_scene.py", "packaging/measure_pleura.py"),
            *("packaging/motion_cases.py", "packaging/train_pleura.py"),
        ),
    ),
    "multiprocessing.connection": (
        OWN_CHILDREN + "; the names are for types and for waiting",
        (
            *("lsgui/bench/part_process.py", "lsgui/decoding/decoder_child.py", "lsgui/export/export_process.py"),
            *("lsgui/inference/process_session.py", "lsgui/inference/worker_pool.py"),
            *("lsgui/inference/worker_process.py", "lsgui/readers/dicom_parts/deep_jpeg.py"),
        ),
    ),
    "concurrent.futures": (
        "threads of this process, and " + OWN_CHILDREN,
        (
            *("lsgui/imaging/flow_map.py", "lsgui/inference/pipeline.py", "lsgui/readers/ahead.py"),
            *(
                "lsgui/simulation/dataset.py",
                "lsgui/training/clips/loading.py",
                "lsgui/training/data/edited_dataset.py",
            ),
            *("lsgui/training/data/stack_making.py", "lsgui/training/evaluation/clip_scoring.py"),
            *("lsgui/training/raft/trainer.py", "lsgui/training/strip/trainer.py", "packaging/measure_pleura.py"),
            *("packaging/motion_cases.py", "packaging/train_pleura.py"),
        ),
    ),
    "the name 'requests'": (
        "named so that pydicom does not load it",
        ("lsgui/readers/dicom_parts/__init__.py", "lsgui/simulation/dicom_writer.py"),
    ),
    "socket": (
        "a pair of sockets within this machine (AF_UNIX, no address) by which an open file is handed to an own child; "
        "a socket in the file system that a fuzzer opens as if it were a clip",
        (
            "packaging/fuzz/odd_paths.py",
            *("lsgui/decoding/decoder_child.py", "lsgui/decoding/decoder_process.py"),
            "lsgui/decoding/shared_block.py",
        ),
    ),
    "distributed": (
        "lsgui predict --cluster ADDRESS, the one command that connects, to the address that was given. Dask pickles "
        "and trusts its scheduler: whoever can reach that can run code on its workers",
        ("lsgui/cli/predict_cluster.py",),
    ),
    "the name 'distributed'": ("the name of its log, which is silenced", ("lsgui/cli/predict_cluster.py",)),
    "torch.distributed": (
        "lsgui train under torchrun, at the address that torchrun was given",
        ("lsgui/training/distributed.py",),
    ),
    "import_module": (
        OWN_MODULES,
        (
            "packaging/fuzz/worker.py",
            *("lsgui/bench/machine.py", "lsgui/bench/parts.py", "lsgui/bench/process_memory.py", "lsgui/cli/main.py"),
            *("lsgui/core/late_imports.py", "lsgui/decoding/decoder_child.py", "lsgui/gui/overlays/base.py"),
            *("lsgui/inference/openvino_library.py", "lsgui/inference/plan.py", "lsgui/models/base.py"),
            *("lsgui/readers/base.py", "lsgui/readers/dicom_parts/deep_jpeg.py", "packaging/fault_drill.py"),
        ),
    ),
    "importlib.import_module": (
        OWN_MODULES,
        ("lsgui/gui/overlays/base.py", "lsgui/inference/openvino_library.py"),
    ),
    "ctypes": (
        "functions of the operating system (memory, priority, the display's library) and Qt's own platform plugin",
        (
            "packaging/fault_drill.py",
            *("lsgui/core/spawning.py", "lsgui/gui/platform_check.py", "lsgui/inference/job_count.py"),
            "packaging/system_libraries.py",
        ),
    ),
    "subprocess": (
        A_PROGRAM,
        (
            "packaging/audit_dependencies.py",
            "packaging/fault_acts_machine.py",
            "packaging/fuzz/command_line.py",
            "packaging/monkey.py",
            *("lsgui/bench/machine.py", "lsgui/bench/many_clips.py", "lsgui/bench/memory.py"),
            *("lsgui/bench/part_process.py", "lsgui/bench/window.py", "packaging/bootstrap.py"),
            *("packaging/check_wheel.py", "packaging/fault_acts.py", "packaging/fault_drill.py"),
            *("packaging/fuzz/fuzz.py", "packaging/label_drill.py", "packaging/system_libraries.py"),
        ),
    ),
    "os.execv": (
        "the program takes the place of the script that set it up, or of its drill, with a list of arguments",
        ("packaging/bootstrap.py", "packaging/fault_drill.py"),
    ),
    "os.execvp": (
        "a drill starts itself anew over a small disk of its own: its own arguments, quoted",
        ("packaging/fault_drill.py",),
    ),
    "openUrl": (
        "the folder of an export or of the log in the system's file browser; a link of a help text after a question",
        ("lsgui/gui/export_commands.py", "lsgui/gui/help_dialog.py", "lsgui/gui/window_commands.py"),
    ),
    "zipfile": (
        "asks what a checkpoint is and how large it would unfold, names the fault of a cache, lists a wheel, writes a "
        "bundle and bad samples: nothing is unpacked to disk",
        (
            "lsgui/review/diagnostics.py",
            "packaging/fuzz/bombs.py",
            "packaging/fuzz/formats.py",
            *("lsgui/models/published_checkpoint.py", "lsgui/training/clips/checkpointing.py"),
            *("lsgui/training/data/array_cache.py", "packaging/check_wheel.py"),
        ),
    ),
}


def _files() -> list[Path]:
    return [path for room in ("lsgui", "packaging") for path in sorted((ROOT / room).rglob("*.py"))]


def test_every_dangerous_place_is_named_with_its_reason() -> None:
    found = {(danger, path.relative_to(ROOT).as_posix()) for path in _files() for danger in dangers_in(path)}
    named = {(danger, file) for danger, (_, files) in ALLOWED.items() for file in files}
    assert found - named == set(), "look at each, then name it in ALLOWED with its reason"
    gone = {(danger, file) for danger, file in named - found if (ROOT / file).exists()}
    assert gone == set(), "no longer there: take it out of ALLOWED"


@pytest.mark.parametrize(
    ("code", "danger"),
    [
        ("import pickle", "pickle"),
        ("from os import system", "os.system"),
        ("import os\nos.popen('x')", "os.popen"),
        ("eval('1')", "eval"),
        ("exec(text)", "exec"),
        ("import subprocess as s\ns.run(x, shell=True)", "shell=True"),
        ("from subprocess import Popen", "subprocess"),
        ("import yaml\nyaml.load(x)", "yaml"),
        ("import numpy as np\nnp.load(path)", "np.load without allow_pickle=False"),
        ("import torch\ntorch.load(path)", "torch.load without weights_only=True"),
        ("import torch\ntorch.load(path, weights_only=False)", "weights_only=False"),
        ("import torch\ntorch.hub.load('a')", "torch.hub"),
        ("import shutil\nshutil.unpack_archive(x)", "unpack_archive"),
        ("archive.extractall(folder)", "extractall"),
        ("from urllib import request", "urllib.request"),
        ("import urllib.request", "urllib.request"),
        ("from PySide6 import QtNetwork", "PySide6.QtNetwork"),
        ("from PySide6.QtNetwork import QTcpSocket", "PySide6.QtNetwork"),
        ("load('socket')", "the name 'socket'"),
        ("import tempfile\ntempfile.mktemp()", "mktemp"),
        ("connection.enable_load_extension(True)", "enable_load_extension"),
    ],
)
def test_the_search_finds_what_it_is_for(code: str, danger: str, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(code, encoding="utf-8")
    assert danger in dangers_in(tmp_path / "x.py")


STARTERS = {f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")}
OWN_NAMES = {"table", "columns", "places", "version + 1"}
"""What may stand in the text of a statement besides constants: names of own tables, and the number of the schema."""


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path in _files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno}", node


def test_programs_are_started_by_lists_of_arguments() -> None:
    """A command is never one text that a shell, or Windows, takes apart."""
    started = [(place, call) for place, call in _calls() if ast.unparse(call.func) in STARTERS]
    texts = [place for place, call in started if isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)]
    assert started
    assert texts == []


def test_sqlite_is_asked_with_places_for_values() -> None:
    found = []
    for place, call in _calls():
        asks = isinstance(call.func, ast.Attribute) and call.func.attr.startswith("execute")
        if place.startswith("lsgui/") and asks and call.args and isinstance(call.args[0], ast.JoinedStr):
            parts = [ast.unparse(part.value) for part in call.args[0].values if isinstance(part, ast.FormattedValue)]
            found += [(place, part) for part in parts if not part.strip("_").isupper() and part not in OWN_NAMES]
    assert found == []
