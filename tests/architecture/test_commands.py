"""Every command tells how it is used, and wrong use ends with one line and status 2."""

import re

import pytest
from typer.testing import CliRunner

from lsgui.cli.main import build_app, command_modules, run

CONTRACT = {"open", "demo", "info", "predict", "simulate", "models"}


def _help(*command: str) -> str:
    result = CliRunner().invoke(build_app(), [*command, "--help"])
    assert result.exit_code == 0, result.output
    return result.output


def _names() -> set[str]:
    return {
        command.name or command.callback.__name__ for command in build_app().registered_commands if command.callback
    }


def test_the_commands_of_the_contract_are_there() -> None:
    assert _names() >= CONTRACT
    assert len(_names()) <= len(command_modules())


def test_every_command_shows_an_example() -> None:
    without = [name for name in sorted(_names()) if not re.search(rf"(?m)^(?!Usage:).*\blsgui {name} \S", _help(name))]
    assert without == []


def test_the_overview_names_every_command() -> None:
    overview = _help()
    assert [name for name in _names() if not re.search(rf"\b{name}\b", overview)] == []


@pytest.mark.parametrize("wrong", [["nonsense"], ["info"], ["info", "--no-such-option"], ["--no-such-option"]])
def test_wrong_use_is_one_line_and_status_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(wrong) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"lsgui: [^\n]+\n", err)


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    import lsgui

    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"lsgui {lsgui.__version__}\n"
