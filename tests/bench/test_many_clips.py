"""The bench of a folder of clips: what is run, what counts, and what is said of it."""

import json
import os
import sys

import pytest

from lsgui.bench import many_clips as part
from lsgui.bench.many_clips import ManyClips, Pace, measure
from lsgui.core.errors import LsguiError


@pytest.fixture
def acted(monkeypatch):
    """Let a script answer in place of the program; give the arguments it was called with."""
    calls = []

    def act(script):
        def command(*arguments):
            calls.append(arguments)
            return [sys.executable, "-c", script, *arguments]

        monkeypatch.setattr(part, "own_command", command)
        return calls

    return act


def test_the_program_itself_is_run_on_one_folder_in_every_way(acted, tmp_path):
    calls = acted(
        "import os, sys, json, time\n"
        "clips = sorted(os.listdir(sys.argv[2]))\n"
        "for name in clips:\n"
        "    time.sleep(0.05); print(json.dumps({'clip': name}), flush=True)"
    )
    told = []
    found = measure(lambda words, far: told.append((words, far)), True)
    assert {call[:2] for call in calls} == {("predict", calls[0][1])}
    assert [call[call.index("--jobs") + 1] for call in calls] == list(dict.fromkeys(["1", str(found.jobs)]))
    assert all("--as-done" in call for call in calls)
    assert found.one_process.clips_per_s > 0.0
    assert found.one_process.whole_s > 0.15
    assert [far for _, far in told] == sorted(far for _, far in told)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('print(\'{"clip": "x", "error": "x: no good."}\')', "could not judge a simulated clip: x: no good"),
        ("raise SystemExit(3)", "ended with status 3 after 0 answers"),
    ],
)
def test_a_command_that_fails_is_not_timed(script, words, acted, tmp_path):
    acted(script)
    with pytest.raises(LsguiError, match=words):
        part._pace(tmp_path, tmp_path / "line.json", 1, False)


def test_one_core_is_one_core_and_only_meanwhile():
    cores = getattr(os, "sched_getaffinity", lambda _pid: {0})  # not on every system, and then nothing is held
    before = cores(0)
    with part._one_core(True):
        assert len(cores(0)) == 1
    assert cores(0) == before
    with part._one_core(False):
        assert cores(0) == before


def test_the_ratios_are_of_clips_a_second():
    found = ManyClips(8, 120, 1, 2, Pace(0.5, 20.0), Pace(0.6, 15.0), Pace(0.9, 9.0))
    assert found.faster_by == pytest.approx(1.5)
    assert found.scaling == pytest.approx(1.8)
    said = json.loads(json.dumps(found.as_json()))["many_clips"]
    assert said["clips_per_s"] == {"one_core": 0.5, "one_process": 0.6, "shipped": 0.9}
    first, second = found.rows()
    assert (first.shipped, first.reference, second.reference) == (0.9, 0.6, 0.5)
    assert "2 processes" in first.name
