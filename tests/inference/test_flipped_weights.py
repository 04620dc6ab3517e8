"""One bit of a model's weights is not as its card describes it: no way to a verdict goes by it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lsgui.cli.main import run
from lsgui.core.resources import model_dirs
from lsgui.inference.local_session import LocalSession
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.process_session import ProcessSession
from lsgui.inference.protocol import Failed, Finished

DEMO = Path(__file__).parents[2] / "resources" / "demo"
SAID = "is not the file that its card describes (the hash differs): install the model again."


@pytest.fixture(params=[0, -1], ids=["head", "last weight"])
def flipped(request, tmp_path, monkeypatch) -> str:
    """The id of a model with one bit flipped."""
    folder = shutil.copytree(model_dirs()[-1] / "cmwru-strip", tmp_path / "models" / "flipped")
    card = (folder / "model.json").read_text(encoding="utf-8")
    (folder / "model.json").write_text(card.replace('"id": "cmwru-strip"', '"id": "flipped"'), encoding="utf-8")
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[request.param] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    monkeypatch.setenv("LSGUI_MODELS", str(tmp_path / "models"))
    return "flipped"


@pytest.mark.parametrize("kind", [LocalSession, ProcessSession])
def test_the_worker_gives_no_verdict_by_it_and_all_others(flipped, kind, listen, lumify, request):
    if kind is LocalSession:  # a process of its own writes to a log of its own
        request.getfixturevalue("expected_log_warnings")
    heard = listen(kind, WorkerPlan(threads=1))
    heard.session.submit(replace(lumify(1), model_id=flipped))
    end = heard.until_end_of(1, within_s=90)
    assert isinstance(end, Failed)
    assert end.sentence.endswith(SAID)
    for number, other in enumerate(("motion", "cmwru-strip"), 2):
        heard.session.submit(replace(lumify(number), model_id=other))
        assert isinstance(heard.until_end_of(number, within_s=90), Finished)


@pytest.mark.parametrize("more", [(), ("--jobs", "2")], ids=["one", "two at a time"])
def test_predict_gives_no_verdict(flipped, more, capsys, tmp_path):
    clips = [str(DEMO / name) for name in ("absent.dcm", "sliding.mp4")]
    out = tmp_path / "said.json"
    assert run(["predict", *clips, "--model", flipped, "--device", "cpu", "--json", str(out), *more]) == 2
    capsys.readouterr()
    said = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [entry["error"].endswith(SAID) for entry in said] == [True, True]
    assert not any("p_absent" in entry for entry in said)
