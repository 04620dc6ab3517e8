"""A process that computes, or loads its libraries from a slow disk, is not taken for one whose drive stalls."""

import contextlib
import importlib
import multiprocessing
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsgui.bench.sample_clips import sample_movie
from lsgui.decoding import decoder_child, decoder_work
from lsgui.decoding.decoder_child import ImportsTell, _OverPipe
from lsgui.decoding.messages import Alive, DecodeClip, LineFound, LookAtClip, Surveyed


def test_long_work_says_again_and_again_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_child, "_ALIVE_EVERY_S", 0.02)
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        owner = _OverPipe(theirs, None, None, 1)  # type: ignore[arg-type]  # nothing is stopped here
        with owner.at_work():
            time.sleep(0.3)
        assert ours.poll(1.0)
        heard = []
        while ours.poll(0.05):
            heard.append(ours.recv())
        assert heard[:2] == [Alive(), Alive()]
        assert set(heard) == {Alive()}
    assert not [thread for thread in threading.enumerate() if thread.name == "alive"]


class Listener:
    """An owner that notes what is computed while it is told that work goes on."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.working = False

    def tell(self, reply: Any) -> None:
        self.said.append(reply)

    def give_block(self, handle: Any, shape: Any) -> None: ...

    def give_frame(self, frame: Any) -> None: ...

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        self.working = True
        yield
        self.working = False

    def cancelled(self) -> bool:
        return False

    def rest(self, seconds: float) -> None: ...


def test_a_look_at_a_clip_computes_under_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = sample_movie(tmp_path, frames=30, width=160, height=120, simulated=30).path
    seen = {}
    for module, name in (
        ("lsgui.imaging.quality", "clip_flags"),
        ("lsgui.imaging.lung_judge", "lung_flags"),
        ("lsgui.imaging.scan_area", "find_scan_area"),
        ("lsgui.imaging.pleura_finder", "find_pleura"),
    ):
        plain = getattr(importlib.import_module(module), name)

        def noted(*given: Any, _plain: Any = plain, _name: str = name, **named: Any) -> Any:
            seen[_name] = owner.working
            return _plain(*given, **named)

        monkeypatch.setattr(f"{module}.{name}", noted)
    owner, work = Listener(), decoder_work.DecoderWork()
    work.look(LookAtClip(DecodeClip(clip, "auto", 1 << 26), survey=True, suggest=True), owner)
    work.forget()
    assert {type(one) for one in owner.said} >= {Surveyed, LineFound}
    assert seen.pop("clip_flags")
    assert seen.pop("lung_flags")
    assert seen == dict.fromkeys(seen, True)


def test_loading_a_library_is_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "slow_sample"
    folder.mkdir()
    (folder / "__init__.py").write_text("from slow_sample import a, b\n")
    for name in "ab":
        (folder / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    told: list[int] = []
    finder = ImportsTell(lambda: told.append(1))
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    other = threading.Thread(target=importlib.import_module, args=("slow_sample.a",))
    other.start()
    other.join()
    assert told == [], "a decoder's own thread must not speak in between"
    sys.modules.pop("slow_sample.a")
    sys.modules.pop("slow_sample")
    sys.modules.pop("slow_sample.b", None)
    importlib.import_module("slow_sample")
    assert len(told) >= 3
    for name in ("slow_sample", "slow_sample.a", "slow_sample.b"):
        sys.modules.pop(name)
