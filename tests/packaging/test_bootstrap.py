"""The start from a fresh clone: what is passed on, when it installs again, what it says where something is missing."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PACKAGING / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


libraries = _load("system_libraries")
bootstrap = _load("bootstrap")


@pytest.mark.parametrize(
    ("arguments", "verb", "passed"),
    [
        (["run"], "run", []),
        (["run", "--", "info", "a b.mp4", "--json"], "run", ["info", "a b.mp4", "--json"]),
        (["run", "--", "predict", "--", "-odd.mp4"], "run", ["predict", "--", "-odd.mp4"]),
        (["test", "--", "-k", "readers"], "test", ["-k", "readers"]),
        (["dev", "--"], "dev", []),
    ],
)
def test_arguments_behind_the_dashes_are_passed_on(arguments: list[str], verb: str, passed: list[str]) -> None:
    assert bootstrap.split_arguments(arguments) == (verb, passed)


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run", "info"], ["--", "run"], ["run", "test"]])
def test_wrong_use_says_how(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        bootstrap.split_arguments(arguments)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


NONE, TEST, DEV = frozenset(), frozenset({"test"}), frozenset({"test", "dev"})


@pytest.mark.parametrize(
    ("wanted", "stamp", "result"),
    [
        (NONE, None, NONE),
        (TEST, None, TEST),
        (NONE, ("now", NONE), None),
        (NONE, ("now", DEV), None),
        (TEST, ("now", DEV), None),
        (TEST, ("now", NONE), TEST),
        (DEV, ("now", TEST), DEV),
        (NONE, ("before", TEST), TEST),
    ],
)
def test_installs_only_what_is_not_there_and_keeps_what_is(
    wanted: frozenset[str], stamp: tuple[str, frozenset[str]] | None, result: frozenset[str] | None
) -> None:
    assert bootstrap.extras_to_install(wanted, stamp, "now") == result


def test_stamp_comes_back_and_a_torn_one_is_none(tmp_path: Path) -> None:
    assert bootstrap.read_stamp(tmp_path) is None
    bootstrap.write_stamp("abc", DEV, tmp_path)
    assert bootstrap.read_stamp(tmp_path) == ("abc", DEV)
    assert [path.name for path in tmp_path.iterdir()] == [bootstrap.STAMP]
    for torn in ("", '{"fingerprint": "ab', "[]", '{"fingerprint": "abc"}', "\0\0\0"):
        (tmp_path / bootstrap.STAMP).write_text(torn)
        assert bootstrap.read_stamp(tmp_path) is None


@pytest.mark.parametrize("changed", ["pyproject.toml", "packaging/constraints.txt", ".venv/pyvenv.cfg"])
def test_fingerprint_follows_every_file_that_matters(tmp_path: Path, changed: str) -> None:
    for name in ("pyproject.toml", "packaging/constraints.txt", ".venv/pyvenv.cfg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")
    before = bootstrap.fingerprint(tmp_path, tmp_path / ".venv")
    assert bootstrap.fingerprint(tmp_path, tmp_path / ".venv") == before
    (tmp_path / changed).write_text("two")
    assert bootstrap.fingerprint(tmp_path, tmp_path / ".venv") != before


def test_environment_that_does_not_start_is_not_whole(tmp_path: Path) -> None:
    assert bootstrap.is_whole(sys.executable)
    assert not bootstrap.is_whole(str(tmp_path / "python"))


@pytest.mark.parametrize(
    ("verb", "passed", "platform", "table"),
    [
        ("run", [], "", "TO_SHOW"),
        ("run", ["open", "a.mp4"], "", "TO_SHOW"),
        ("run", ["demo"], "offscreen", "TO_IMPORT"),
        ("run", ["info", "open"], "", None),
        ("run", ["--version"], "", None),
        ("test", [], "", "TO_IMPORT"),
        ("dev", [], "", "TO_SHOW"),
    ],
)
def test_libraries_are_asked_for_where_they_are_needed(
    verb: str, passed: list[str], platform: str, table: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    expected = {} if table is None else getattr(libraries, table)
    assert bootstrap.libraries_needed(verb, passed) == expected


def test_missing_libraries_become_packages_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    gone = {"libglib-2.0.so.0", "libgthread-2.0.so.0", "libxcb-cursor.so.0"}
    missing = libraries.missing_packages(libraries.TO_SHOW, lambda library: library not in gone)
    assert missing == ["libglib2.0-0", "libxcb-cursor0"]
    monkeypatch.setattr(sys, "platform", "win32")
    assert libraries.missing_packages(libraries.TO_SHOW, lambda _: False) == []


def test_without_rights_the_one_command_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(libraries.shutil, "which", lambda _: "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    assert not libraries.provide(["libegl1", "libgl1"], said.append)
    assert [line for line in said if "sudo" in line] == [
        "  sudo apt-get update && sudo apt-get install -y --no-install-recommends libegl1 libgl1"
    ]
    assert libraries.provide([], said.append)


def test_other_linux_systems_are_told_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(libraries.shutil, "which", lambda _: None)
    assert not libraries.provide(["libegl1"], said.append)
    assert len(said) == 1
    assert "libegl1" in said[0]


def test_help_goes_to_standard_output_and_names_the_verbs() -> None:
    done = subprocess.run(
        [sys.executable, str(PACKAGING / "bootstrap.py"), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(f"bootstrap.py {verb}" in done.stdout for verb in bootstrap.EXTRAS)


def test_script_is_readable_by_an_older_python() -> None:
    import ast

    ast.parse((PACKAGING / "bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_pins_cover_what_the_project_asks_for() -> None:
    import tomllib
    from importlib.metadata import version

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((PACKAGING.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (PACKAGING / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {canonicalize_name(name): number for name, number in pins.items()}
    asked = [
        *project["dependencies"],
        *project["optional-dependencies"]["test"],
        *project["optional-dependencies"]["dev"],
    ]
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name != "lsgui":
            assert requirement.specifier.contains(pinned[name]), requirement
    assert version("packaging")
