"""The table of misuse: which clips count in which figure, and what an interval is."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lsgui.core.resources import resources_dir

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(PACKAGING))
    yield importlib.import_module("measure_misuse")
    for name in ("measure_misuse", "misuse_cases", "pleura_scenes"):
        sys.modules.pop(name, None)


def row(source: str, kind: str, label: str = "cannot_assess", refused: bool = True) -> dict[str, Any]:
    said = {"label": label, "quality": ["not_lung"] if refused else []}
    return {"source": source, "kind": kind, "origin": "x", "own": said, "drawn": said}


def test_sources_are_never_added_up(measure: Any) -> None:
    rows = [row("simulated", "heart"), row("simulated", "liver", "ls_p", False), row("edited", "heart")]
    report = measure.report_of([*rows, row("recorded", "lung", "ls_p", False), row("recorded", "lung")])
    assert report["misuse"]["simulated"]["all"]["clips"] == 2
    assert report["misuse"]["simulated"]["all"]["verdict along the own line"] == 1
    assert report["misuse"]["edited"]["all"]["verdict along a drawn line"] == 0
    assert report["lungs"]["recorded"]["lung"]["refused as no lung"] == 1
    assert report["refused lungs"] == ["recorded x"]
    assert "lungs, recorded" in measure.tables(report)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(0, 20, 0.0, 0.161), (5, 10, 0.237, 0.763), (20, 20, 0.839, 1.0)]
)
def test_the_interval_is_wilsons(measure: Any, hits: int, of: int, low: float, high: float) -> None:
    assert measure.wilson(hits, of) == pytest.approx([low, high], abs=0.001)
    assert measure.wilson(0, 0) == [0.0, 1.0]


def test_another_seed_shares_no_clip_and_the_same_one_all(measure: Any) -> None:
    plan = measure.Plan(1, 2)
    one, again = (plan.rng("heart, apical", 0).random() for _ in range(2))
    assert one == again != measure.Plan(2, 2).rng("heart, apical", 0).random()
    assert one != plan.rng("liver", 0).random()
    names = [case.name for case in measure.cases(plan)]
    assert len(set(names)) == len(names) > 50


def test_every_kind_that_is_asked_for_was_measured() -> None:
    report = json.loads((resources_dir() / "misuse.json").read_text(encoding="utf-8"))
    kinds = {kind for source in report["misuse"].values() for kind in source}
    assert {"phantom, still", "phantom, moving", "heart, apical", "heart, parasternal", "upside down"} <= kinds
    assert {"colour on lung", "still image", "black", "text slides", "menus", "no contact", "M-mode sweep"} <= kinds
    assert report["lungs"]["recorded"]["lung"]["refused as no lung"] == 0
