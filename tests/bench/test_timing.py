"""Timing in turn: how often and in which order things run, and what is said of them."""

import pytest

from lsgui.bench.rows import Area, BenchRow, Bound, Target, row_of
from lsgui.bench.timing import SideBySide, Timed, seconds_of, side_by_side, timed


def test_two_ways_run_in_turn_after_one_warm_run_each() -> None:
    order: list[str] = []
    times = side_by_side(lambda: order.append("reference"), lambda: order.append("shipped"), 3)
    assert order == ["reference", "shipped"] * 4
    assert times.reference.runs == times.shipped.runs == 3


def test_a_round_is_always_made_and_none_begins_past_the_limit() -> None:
    order: list[str] = []
    times = side_by_side(lambda: order.append("r"), lambda: order.append("s"), 50, warm=0, most_s=0.0)
    assert order == ["r", "s"]
    assert times.as_json()["rounds"] == 1


def test_the_collector_is_as_before_also_after_a_fault() -> None:
    import gc

    with pytest.raises(ZeroDivisionError):
        seconds_of(lambda: 1 / 0)
    assert gc.isenabled()
    assert timed(lambda: None, 2).runs == 2


def test_the_ratio_is_of_the_fastest_runs() -> None:
    times = SideBySide(reference=Timed(3.0, 4.0, 5), shipped=Timed(0.5, 2.0, 5))
    assert times.faster_by == 6.0
    assert times.as_json() | {"rounds": 5} == {
        "reference_s": 3.0,
        "shipped_s": 0.5,
        "speedup": 6.0,
        "reference_median_s": 4.0,
        "shipped_median_s": 2.0,
        "rounds": 5,
    }
    row = row_of(Area.FLOW, "flow", times, against="eager", unit="ms", target=4.0)
    assert (row.shipped, row.reference, row.faster_by, row.met) == (500.0, 3000.0, 6.0, True)


@pytest.mark.parametrize(
    ("bound", "shipped", "faster_by", "met"),
    [
        (Bound.TIMES, 1.0, 3.0, True),
        (Bound.TIMES, 1.0, 2.99, False),
        (Bound.TIMES, 1.0, None, None),
        (Bound.AT_MOST, 3.0, None, True),
        (Bound.AT_MOST, 3.1, None, False),
        (Bound.AT_LEAST, 3.0, None, True),
        (Bound.AT_LEAST, 2.9, None, False),
        (Bound.AT_LEAST, None, None, None),
    ],
)
def test_a_target_is_met_missed_or_not_measured(
    bound: Bound, shipped: float | None, faster_by: float | None, met: bool | None
) -> None:
    row = BenchRow(Area.MEMORY, "idle", shipped, "MB", faster_by=faster_by, target=Target(bound, 3.0))
    assert row.met is met
    assert row.as_json()["met"] is met


def test_with_a_rest_each_is_run_once_more_before_it_is_timed() -> None:
    calls: list[str] = []
    side_by_side(lambda: calls.append("reference"), lambda: calls.append("shipped"), 2, warm=0, rest_s=0.001)
    assert calls == ["reference", "reference", "shipped", "shipped"] * 2
