from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from still_clips import write_clips

from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.sources import dataset_sources, read_dataset
from lsgui.training.strip import cases as strip_cases
from lsgui.training.strip.leave_one_out import leave_one_out
from lsgui.training.strip.windows import StripSource


@pytest.fixture
def rows(tmp_path: Path) -> tuple[DatasetRow, ...]:
    recorded = ["a,ls_p,one,real,0,", "a,ls_p,one,real,10,", "sub/b,ls_p,,real,0,", "c,ls_a,all,real,0,"]
    made = ["a,ls_a,one,edited,0,", "c,ls_p,four,simulated,0,"]
    return read_dataset(write_clips(tmp_path / "clips", [*recorded, *made]))


def test_folds_learn_as_the_final_network_does_and_judge_recorded_clips_alone(
    rows: tuple[DatasetRow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strip_cases, "TESTED_EDITS", ())
    monkeypatch.setattr(strip_cases, "CORRUPTIONS", ())
    folds: dict[str, list[str]] = {}

    def train(sources: Sequence[StripSource], fold: str) -> CmwruStrip:
        folds[fold] = [f"{s.clip} {s.row.start} {s.source}" if s.row else s.clip for s in sources]
        assert {s.edited for s in sources if s.row and (s.row.absent or s.source != "real")} <= {False}
        return CmwruStrip(1).eval()

    sources = dataset_sources(rows)
    extra = replace(sources[-1], clip="extra", row=None)
    judged = leave_one_out(sources, [extra], train, lambda *_: None)
    every = ["a 0 real", "a 10 real", "b 0 real", "c 0 real", "a 0 edited", "c 0 simulated", "extra"]
    one, blank, named_all = folds.items()
    assert one == ("one", [every[k] for k in (2, 3, 5, 6)])
    assert blank[0].startswith("sub-b+")
    assert blank[1] == [every[k] for k in (0, 1, 3, 4, 5, 6)]
    assert named_all[0].startswith("all+")
    assert named_all[1] == [every[k] for k in (0, 1, 2, 4, 5, 6)]
    found = [(j.clip, j.patient, j.kind, j.absent) for j in judged if j.kind != "mirror_matched"]
    assert found == [
        ("a", "one", "original", False),
        ("a", "one", "original", False),
        ("b", "sub/b", "original", False),
        ("c", "all", "absent", True),
    ]
    whole, later = (j.middles[-1] for j in judged if (j.patient, j.kind) == ("one", "original"))
    assert whole > later, "two stretches of a clip are two cases"
