"""The label drill, in small: the real window labels by keys, is killed at random, and nothing is lost or invented."""

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lsgui.core.reading import Statement, StatementKind

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture
def drill(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(PACKAGING))
    yield importlib.import_module("label_drill")
    sys.modules.pop("label_drill", None)


def test_clips_labelled_by_keys_while_the_program_is_killed_lose_nothing_and_gain_nothing(
    drill: Any, tmp_path: Path
) -> None:
    figures = drill.drill(tmp_path, clips=12, kills=4, seed=3, mean_s=0.3)
    assert (figures.lost, figures.invented, figures.wrong_at_the_end) == (0, 0, 0)
    assert figures.kills >= 3
    assert figures.acknowledged >= 12
    assert figures.stored >= figures.acknowledged


def row(value: Any, kind: StatementKind = StatementKind.LABEL) -> Statement:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Statement("0" * 32, "0" * 64, "a.avi", "DRILL", 1, kind, "", value, moment, "1")


def said(what: str, value: Any, part: str = "label") -> dict[str, Any]:
    return {"what": what, "clip": "a.avi", "part": part, "value": value}


def test_the_drill_sees_a_loss_and_an_invention(drill: Any) -> None:
    log = [said("press", "ls_p"), said("ack", "ls_p")]
    assert drill.lost_of(log, (row({"label": "ls_p"}),)) == set()
    assert drill.lost_of(log, ())
    assert drill.lost_of(log, (row({"label": "ls_p"}), row({"label": "ls_a"})))  # it no longer stands
    assert drill.invented_of(log, (row({"label": "ls_p"}),)) == set()
    assert drill.invented_of(log, (row({"label": "ls_a"}),))
    typed = [said("press", "rib in the way", "comment")]
    assert drill.invented_of(typed, (row("rib in", StatementKind.COMMENT),)) == set()
    assert drill.invented_of(typed, (row("lung", StatementKind.COMMENT),))
