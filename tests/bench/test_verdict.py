import pytest

from lsgui.bench.verdict import LIMIT_S, MODEL, Round, VerdictTimes, measure


def test_the_line_to_the_verdict_is_timed_by_stage() -> None:
    found = measure(lambda _words, _done: None, True)
    said = found.as_json()["verdict"]
    assert said["model"] == MODEL
    assert said["label"] in ("ls_p", "ls_a", "cannot_assess")
    assert 0 < said["request_s"] < said["first_window_s"] <= said["line_to_verdict_s"]
    assert "Following the chest wall" in said["stages_s"]
    assert sum(said["stages_s"].values()) == pytest.approx(said["line_to_verdict_s"] - said["request_s"], abs=0.2)


def test_the_fastest_round_stands_and_the_limit_is_checked() -> None:
    slow, fast = (Round(0.01, at / 2, at / 2, at, {"Following the lung": at}) for at in (1.5, 0.7))
    times = VerdictTimes(300, 640, 480, 1, "ls_p", (slow, fast, slow))
    assert times.as_json()["verdict"]["line_to_verdict_s"] == 0.7
    assert times.as_json()["verdict"]["median_s"] == 1.5
    assert times.rows()[0].met is True
    assert times.rows()[0].target.value == LIMIT_S
    late = VerdictTimes(300, 640, 480, 1, "ls_p", (slow,))
    assert late.rows()[0].met is False
    assert "following the lung 1.50 s" in late.rows()[0].note
