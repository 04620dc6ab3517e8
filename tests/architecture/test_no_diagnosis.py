"""The program speaks of lung sliding, never of the diagnosis: no string, file or command says the word but the help."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DIAGNOSIS = re.compile(r"pneumo-?\s?thora|\bptx\b|collapsed lung|36118008|J93", re.IGNORECASE)
"""The word, its short form, what people call it, and its codes in SNOMED CT and ICD-10."""

EXPLAINS = {
    "lung_sliding.md": "is **not** the same as pneumothorax",
    "limits.md": "It never says pneumothorax",
    "intended_use.md": "The program never says *pneumothorax*",
    "risks.md": "never",
}
"""Help topics that may use the word, and a piece of the sentence that says what for."""

TEXT = {".md", ".json", ".svg", ".toml", ".txt", ".qss", ".html", ".css"}


def strings_of(path: Path) -> list[str]:
    """Return every string of a source file, those in f-strings too, but docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]


def test_no_string_of_the_program_names_the_diagnosis() -> None:
    files = sorted((ROOT / "lsgui").rglob("*.py"))
    assert len(files) > 200
    said = {(path.name, text) for path in files for text in strings_of(path) if DIAGNOSIS.search(text)}
    assert said == set()


def test_help_texts_of_commands_are_looked_at_too() -> None:
    """A command's docstring is its help: those of the command line may not say it either."""
    for path in sorted((ROOT / "lsgui" / "cli").rglob("*.py")):
        assert not DIAGNOSIS.search(path.read_text(encoding="utf-8")), path.name


def test_no_shipped_file_names_it_but_help_topics_that_explain_it() -> None:
    folders = [ROOT / "resources", ROOT / "trained_models", ROOT / "lsgui" / "decisions"]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in TEXT]
    assert len(files) > 40
    naming = {path for path in files if DIAGNOSIS.search(path.read_text(encoding="utf-8"))}
    assert {path.parent for path in naming} <= {ROOT / "resources" / "help"}
    assert {path.name for path in naming} <= set(EXPLAINS)
    for path in naming:
        assert EXPLAINS[path.name] in path.read_text(encoding="utf-8"), path.name


def test_no_name_of_a_command_a_setting_or_a_file_says_it() -> None:
    names = [
        path.relative_to(ROOT).as_posix() for folder in ("lsgui", "resources") for path in (ROOT / folder).rglob("*")
    ]
    assert not [name for name in names if DIAGNOSIS.search(name)]


@pytest.mark.parametrize("text", ["Pneumothorax", "pneumothoraces", "PTX?", "a collapsed lung", "pneumo-thorax"])
def test_the_search_would_find_it(text: str) -> None:
    assert DIAGNOSIS.search(text)
