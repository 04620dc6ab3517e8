"""The trees that judge a line: the same clips grow the same trees, and the program reads what is grown."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lsgui.core.resources import resources_dir
from lsgui.imaging import line_judge as judging
from lsgui.imaging.line_judge import JUDGE_FILE, WEIGHED, line_judge

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def train(monkeypatch):
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        import train_pleura

        monkeypatch.setattr(train_pleura, "TREES", 25)
        yield train_pleura
    finally:
        sys.path.remove(str(ROOT / "packaging"))


@pytest.fixture
def clips(train):
    """Forty clips of eight lines each; the pleura, in half of the clips, is stronger and lasts longer."""
    rng = np.random.default_rng(4)
    made = []
    for number in range(40):
        features, apart = rng.normal(size=(8, len(WEIGHED))), rng.uniform(3.0, 20.0, 8)
        if number % 2:
            apart[0] = 0.4
            features[0, [0, -1]] += 3.0
        kind = "simulated, line" if number % 2 else "simulated, no line"
        made.append(train.Taught(f"clip {number}", kind, 1.0, features, apart))
    return made


def test_same_clips_grow_the_same_trees_which_the_program_reads_as_they_were_grown(train, clips, tmp_path, monkeypatch):
    first, second = train.judge_of(clips), train.judge_of(clips)
    assert first == second
    (tmp_path / JUDGE_FILE).write_text(json.dumps(first), encoding="utf-8")
    monkeypatch.setattr(judging, "resources_dir", lambda: tmp_path)
    judge = line_judge.__wrapped__()
    trees = train.grow(clips)
    slope, offset = train.scaled(train.surest_unseen(clips))
    for clip in clips[:6]:
        odds = slope * trees.decision_function(clip.features) + offset
        said = [judge.confidence(line) for line in clip.features]
        assert np.allclose(said, 1.0 / (1.0 + np.exp(-odds)), atol=2e-3)
    pleura = [judge.confidence(clip.features[0]) for clip in clips[1::2]]
    assert np.mean(pleura) > 0.8
    assert first["unseen"]["simulated, line"]["clips"] == 20
    assert first["unseen"]["simulated, line"]["right"] > 12
    assert first["unseen"]["simulated, no line"]["right"] == 0


def test_trees_follow_what_they_are_taught(train, clips):
    fewer = train.judge_of(clips[:30])
    assert fewer["leaf"] != train.judge_of(clips)["leaf"]


def test_shipped_trees_are_those_of_the_command_that_is_written_down():
    data = json.loads((resources_dir() / JUDGE_FILE).read_text(encoding="utf-8"))
    judge = line_judge()
    for name in ("feature", "threshold", "leaf"):
        assert np.array_equal(getattr(judge, name), np.array(data[name]))
    assert (judge.slope, judge.offset) == (data["slope"], data["offset"])
    text = (ROOT / "packaging" / "train_pleura.py").read_text(encoding="utf-8")
    assert data["command"] in " ".join(text.split('"""')[1].split())
    assert data["recorded"]
    assert sum(row["clips"] for kind, row in data["unseen"].items() if kind.startswith("simulated")) > 200
