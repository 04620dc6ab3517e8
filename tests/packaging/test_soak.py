"""The monkey and the endless demo, in small; and the monkey's promises see what is broken."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from lsgui.core.label import ReaderLabel
from lsgui.review.state import Analysis, AnalysisPhase, LoadedClip, LoadPhase, Playback, ReviewState, WorklistEntry

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(PACKAGING))
    yield importlib.import_module("monkey_checks")
    for name in [name for name in sys.modules if name.startswith("monkey")]:
        sys.modules.pop(name)


def ran(script: str, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PACKAGING / script), *words], capture_output=True, text=True, check=False, timeout=220
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_sixty_random_actions_break_no_promise(tmp_path: Path) -> None:
    run = ran("monkey.py", "--work", str(tmp_path / "work"), "--actions", "60", "--seed", "11", "--patience", "4")
    assert run["broken"] == ""
    assert run["actions"] == 60
    assert len(run["by_kind"]) >= 8
    assert run["seen"]["readings_compared"] > 0


def test_the_demo_goes_round_and_stays_as_large_as_it_was() -> None:
    found = ran("demo_soak.py", "--hours", "0.06")  # 15 clips, three rounds
    assert found["verdicts"] >= 5
    assert found["failures"] == []


def state(**more: Any) -> ReviewState:
    paths = (Path("a.mp4"), Path("b.mp4"))
    entries = tuple(WorklistEntry(path, path.name) for path in paths)
    clip = LoadedClip(paths[0], LoadPhase.COMPLETE, frames_ready=10)
    return replace(ReviewState(worklist=entries, selected=0, clip=clip), **more)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"selected": 5}, "is selected"),
        ({"selected": 1}, "not the one selected"),
        ({"playback": Playback(frame=10)}, "frame 10 of 10"),
        ({"playback": Playback(mark_a=7, mark_b=3)}, "after B"),
        ({"analysis": Analysis(AnalysisPhase.DONE)}, "no verdict"),
        ({"worklist": (WorklistEntry(Path("a.mp4"), "a"),) * 2}, "twice"),
    ],
)
def test_the_monkey_sees_a_state_that_does_not_hold_together(checks: Any, more: dict[str, Any], said: str) -> None:
    checks.check_state(state())
    with pytest.raises(checks.BrokenPromiseError, match=said):
        checks.check_state(state(**more))


def test_the_monkey_sees_a_verdict_beside_another_clip(checks: Any) -> None:
    class Verdict:
        clip, roi = "b.mp4", None

    wrong = Analysis(AnalysisPhase.DONE, prediction=Verdict())  # type: ignore[arg-type]  # all that is looked at
    with pytest.raises(checks.BrokenPromiseError, match="stands beside"):
        checks.check_state(state(analysis=wrong, overlays=MappingProxyType({})))


def test_the_monkey_reads_a_store_as_the_screen_shows_it(checks: Any, tmp_path: Path) -> None:
    from lsgui.core.reading import StatementKind

    with checks.AnnotationStore(tmp_path / "x.sqlite") as store:
        store.save_reading("a" * 64, "a.mp4", "R", ReaderLabel.LS_A)
        store.say("a" * 64, "a.mp4", "R", StatementKind.TAGS, ["b_lines"])
        store.say("a" * 64, "a.mp4", "R", StatementKind.ADJUDICATION, {"label": "ls_p", "of": ["R", "S"]})
        held = checks.held_by(store.standing())
    assert held == {
        ("R", 1, "a" * 64, False): ("ls_a", ("b_lines",), None, ""),
        ("R", 1, "a" * 64, True): ("ls_p", (), None, ""),
    }
