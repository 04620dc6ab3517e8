"""Habits that no linter holds: length, rooms that introduce themselves, nothing that ties the code to one machine."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
CITED = r"doi\.org|arxiv\.org|dicom\.nema\.org|www\.w3\.org|github\.com|creativecommons\.org|www\.apache\.org"
URL = re.compile(rf"https?://(?!({CITED})\b)[\w.-]+")
MACHINE = re.compile(r"(?<![\w.~}])/(?:work|root|home|Users|opt)/\w")
POSIX_ONLY = {
    "os": {"fork", "geteuid", "getuid", "setsid", "killpg", "mkfifo", "nice"},
    "signal": {"SIGKILL", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGHUP", "alarm", "setitimer"},
}
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix"}
UNSAFE_MODULES = {"pickle", "shelve", "marshal", "dill", "joblib"}


def _source(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _guarded(tree: ast.Module) -> set[int]:
    """Lines under an `if` that asks for the operating system: a call for one system only may stand there."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and re.search(r"platform|os\.name|hasattr", ast.unparse(node.test)):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def test_files_are_short() -> None:
    lengths = {
        _relative(p): len(p.read_text(encoding="utf-8").splitlines()) for p in _source("lsgui", "packaging", "tests")
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    long = {
        f"{_relative(path)}:{node.lineno} {node.name}": lines
        for path in _source("lsgui", "packaging")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_every_room_introduces_itself() -> None:
    folders = {path.parent for path in _source("lsgui") if "__pycache__" not in path.parts}
    nameless = [_relative(f) for f in folders if not (f / "__init__.py").is_file()]
    silent = [_relative(p) for p in _source("lsgui") if not ast.get_docstring(_tree(p))]
    assert nameless == []
    assert silent == []


def test_map_of_the_house_names_every_room() -> None:
    text = (ROOT / "lsgui" / "README.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "lsgui").glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}/`" not in text} == set()


def test_nothing_is_printed_past_the_command_line() -> None:
    calls = [
        f"{_relative(path)}:{node.lineno}"
        for path in _source("lsgui")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


def test_no_call_is_for_one_operating_system_only() -> None:
    found = []
    for path in _source("lsgui"):
        tree = _tree(path)
        guarded = _guarded(tree)
        for node in ast.walk(tree):
            if getattr(node, "lineno", 0) in guarded:
                continue
            names = {a.name.partition(".")[0] for a in node.names} if isinstance(node, ast.Import) else set()
            names |= {str(node.module).partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()
            if names & POSIX_MODULES:
                found.append(f"{_relative(path)}:{node.lineno} {names & POSIX_MODULES}")
            owner = node.value if isinstance(node, ast.Attribute) else None
            if isinstance(owner, ast.Name) and node.attr in POSIX_ONLY.get(owner.id, ()):
                found.append(f"{_relative(path)}:{node.lineno} {owner.id}.{node.attr}")
    assert found == []


def test_nothing_read_from_a_file_can_run() -> None:
    found = []
    for path in _source("lsgui"):
        for node in ast.walk(_tree(path)):
            names = {a.name.partition(".")[0] for a in node.names} if isinstance(node, ast.Import) else set()
            names |= {str(node.module).partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()
            unsafe = isinstance(node, ast.keyword) and (node.arg, ast.unparse(node.value)) in (
                ("allow_pickle", "True"),
                ("weights_only", "False"),
            )
            if names & UNSAFE_MODULES or unsafe:
                found.append(f"{_relative(path)}:{getattr(node, 'lineno', '?')}")
    assert found == []


def test_silenced_checks_say_why() -> None:
    reasonless = [
        f"{_relative(path)}:{number}"
        for path in _source("lsgui", "packaging")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"#\s*(noqa|type:\s*ignore)\b", line) and len(line.rsplit("#", 1)[1].split()) < 3
    ]
    assert reasonless == []


def _written_by_hand() -> list[Path]:
    kinds = {".py", ".toml", ".txt", ".yml", ".yaml", ".md", ".json"}
    inside = [path for top in ("lsgui", "tests", "packaging", ".github") for path in (ROOT / top).rglob("*")]
    files = [*inside, *ROOT.glob("*"), *ROOT.glob(".*"), ROOT / ".ci" / "run"]
    return sorted(p for p in files if p.is_file() and (p.suffix in kinds or p.name == "run") and p != Path(__file__))


@pytest.mark.parametrize(
    ("what", "pattern"), [pytest.param("host", URL, id="host"), pytest.param("path of one machine", MACHINE, id="path")]
)
def test_no_file_names_a(what: str, pattern: re.Pattern[str]) -> None:
    found = [
        f"{_relative(path)}:{number} names a {what}: {line.strip()[:80]}"
        for path in _written_by_hand()
        if what != "host" or "tests" not in path.parts  # bad files are bad with any address, and any bytes, in them
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []
