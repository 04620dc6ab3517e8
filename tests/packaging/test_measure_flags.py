"""The table of the quality flags: which clips count in which figure."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(PACKAGING))
    yield importlib.import_module("measure_flags")
    for name in ("measure_flags", "flag_cases", "flag_verdict_cases", "flag_clips"):
        sys.modules.pop(name, None)


def row(source: str, faulty: bool, raised: bool, kind: str = "plain") -> dict[str, Any]:
    quality = ["frozen"] if raised else ["too_short"]
    return {"flag": "frozen", "source": source, "kind": kind, "faulty": faulty, "quality": quality, "seed": 1}


def test_simulated_and_recorded_clips_never_count_in_one_figure(measure: Any) -> None:
    rows = [row("simulated", True, True), row("simulated", True, False), row("recorded", True, True, "clock")]
    report = measure.report_of([*rows, row("recorded", False, True)])
    assert report["simulated"]["frozen"]["with fault"] == [1, 2]
    assert report["simulated"]["frozen"]["without"] == [0, 0]
    assert report["recorded"]["frozen"]["with fault"] == [1, 1]
    assert report["recorded"]["frozen"]["without"] == [1, 1]
    assert report["recorded"]["frozen"]["by kind"] == {"with: clock": [1, 1], "without: plain": [1, 1]}


def test_every_flag_has_a_row(measure: Any) -> None:
    assert set(measure.ALL_FLAGS) == {flag.value for flag in measure.QualityFlag}
    report = measure.report_of([])
    assert all(set(measure.ALL_FLAGS) <= set(report[source]) for source in ("simulated", "recorded"))
    assert "models_disagree" in measure.tables(report)
