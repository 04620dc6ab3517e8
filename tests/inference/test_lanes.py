"""A verdict's stages side by side: flow in one thread, patches and network in the other; nothing is done twice."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from test_map_pipeline import request

from lsgui.core.errors import CancelledError, ModelError
from lsgui.imaging import dis_flow, motion_index
from lsgui.inference import pipeline
from lsgui.inference.pipeline import analyse


def analysed(model: str = "cmwru-strip", cancelled: Callable[[], bool] = lambda: False) -> Any:
    return analyse(request("verdict", model, frames=30), lambda _event: None, cancelled, "cpu")


@pytest.mark.parametrize("model", ["cmwru-strip", "motion"])
def test_patches_are_compared_once_and_flow_is_found_in_a_thread_of_its_own(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, list[str]] = {"patches": [], "flow": []}

    def noting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            threads[name].append(threading.current_thread().name)
            return real(*args, **kwargs)

        return noted

    for module in (pipeline, motion_index):
        monkeypatch.setattr(module, "patch_change", noting("patches", module.patch_change))
    monkeypatch.setattr(pipeline, "relative_flow_map", noting("flow", pipeline.relative_flow_map))
    assert analysed(model).motion_index is not None
    assert threads["patches"] == [threading.main_thread().name]
    assert [name.startswith("lsgui-flow") for name in threads["flow"]] == [True]
    assert not [one for one in threading.enumerate() if one.name.startswith("lsgui-flow")]


def test_a_fault_of_the_network_is_raised_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> Any:
        raise ModelError("The weights are damaged: install lsgui again.")

    monkeypatch.setattr(pipeline, "strip_scorer", broken)
    with pytest.raises(ModelError, match="damaged"):
        analysed()
    assert not [one for one in threading.enumerate() if one.name.startswith("lsgui-flow")]


def test_a_fault_of_the_flow_is_raised_where_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> Any:
        raise ModelError("No flow.")

    monkeypatch.setattr(pipeline, "relative_flow_map", broken)
    with pytest.raises(ModelError, match="No flow"):
        analysed()


def test_a_cancel_while_both_work_is_heard_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_to_stop = threading.Event()
    real, pairs = dis_flow.dis_solver, []

    def slow() -> Any:
        pairs.append(time.monotonic())
        asked_to_stop.set()
        time.sleep(0.02)
        return real()

    monkeypatch.setattr(dis_flow, "dis_solver", slow)
    with pytest.raises(CancelledError):
        analysed(cancelled=asked_to_stop.is_set)
    assert len(pairs) <= 2  # batches of four pairs; the clip has more of them
