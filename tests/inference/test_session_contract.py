"""Every sentence of the session contract, held by both implementations with real workers."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from acted_analysis import request

from lsgui.inference.local_session import LocalSession
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.protocol import (
    Cancelled,
    Failed,
    Finished,
    FlowChoice,
    MapDone,
    MotionReady,
    Notice,
    Progress,
    WindowScored,
    WorkerReady,
    WorkerRestarting,
    WorkerStopped,
)


def test_start_returns_at_once_and_the_worker_says_when_it_is_warm(kind, plan):
    session = kind(plan)
    begun = time.monotonic()
    session.start()
    assert time.monotonic() - begun < 0.1
    deadline, event = time.monotonic() + 20, None
    while event is None and time.monotonic() < deadline:
        event = session.poll(0.1)
    session.close()
    assert isinstance(event, WorkerReady)
    assert (event.device, event.device_name, event.note) == ("cpu", "CPU, 1 thread", "")


def test_events_come_in_order_and_nothing_follows_the_end(heard):
    heard.session.submit(request(1, "windows 3"))
    end = heard.until_end_of(1)
    heard.hear_out(0.2)
    kinds = [type(event) for event in heard.of(1)]
    assert kinds == [Progress, WindowScored] * 3 + [MotionReady, Finished]
    assert [event.window.start for event in heard.of(1) if isinstance(event, WindowScored)] == [0, 1, 2]
    assert end.prediction.clip == "windows 3"
    assert end.prediction.seconds == {"read": 0.25}
    np.testing.assert_array_equal(end.prediction.roi.polyline, [[1, 2], [9, 3]])


def test_a_request_may_come_before_the_worker_is_warm(kind, plan):
    session = kind(plan)
    session.submit(request(1, "windows 1"))
    session.start()
    deadline, events = time.monotonic() + 20, []
    while not any(isinstance(event, Finished) for event in events) and time.monotonic() < deadline:
        event = session.poll(0.1)
        events += [event] if event else []
    session.close()
    assert isinstance(events[0], WorkerReady)
    assert isinstance(events[-1], Finished)


def test_submit_returns_at_once_even_with_a_large_clip(heard):
    frames = np.zeros((400, 500, 500), np.uint8)  # 100 MB
    frames[:, 100:200] = 255
    heard.until_kind(WorkerReady)
    begun = time.monotonic()
    heard.session.submit(request(1, "windows 1", frames=frames))
    assert time.monotonic() - begun < 0.05
    end = heard.until_end_of(1)
    assert end.prediction.p_absent == pytest.approx(0.2)


def test_the_newest_request_wins(heard):
    heard.session.submit(request(1, "patient 20"))
    heard.until(lambda event: isinstance(event, Progress) and event.id == 1)
    for number in (2, 3, 4):
        heard.session.submit(request(number, "windows 2"))
    assert isinstance(heard.until_end_of(4), Finished)
    heard.hear_out(0.3)
    for number in (1, 2, 3):
        assert heard.of(number)[-1] == Cancelled(number)
    ends = [event.id for event in heard.events if isinstance(event, Finished | Failed | Cancelled)]
    assert sorted(ends) == [1, 2, 3, 4], "each request ends exactly once"


def test_cancel_is_acted_on_within_a_second_and_the_worker_is_free(heard):
    heard.session.submit(request(1, "patient 30"))
    heard.until(lambda event: isinstance(event, Progress))
    begun = time.monotonic()
    heard.session.cancel(1)
    assert heard.until_end_of(1) == Cancelled(1)
    assert time.monotonic() - begun < 1.0
    heard.session.submit(request(2, "windows 1"))
    assert isinstance(heard.until_end_of(2), Finished)
    assert time.monotonic() - begun < 2.0, "the worker went on with the cancelled request"
    assert not any(isinstance(event, WorkerRestarting) for event in heard.events)


def test_a_waiting_request_can_be_cancelled(heard):
    heard.session.submit(request(1, "deaf 0.4"))
    heard.until(lambda event: isinstance(event, Progress))
    heard.session.submit(request(2, "windows 1"))
    heard.session.cancel(2)
    assert heard.until_end_of(2) == Cancelled(2)
    heard.hear_out(0.8)
    assert heard.of(2) == [Cancelled(2)]


def test_ids_that_are_not_running_or_waiting_are_ignored(heard):
    heard.session.cancel(99)
    heard.session.submit(request(1, "windows 1"))
    heard.until_end_of(1)
    heard.session.cancel(1)
    heard.session.submit(request(2, "patient 0.2"))
    heard.session.cancel(1)
    assert isinstance(heard.until_end_of(2), Finished)
    assert not any(isinstance(event, Cancelled) for event in heard.events)


def test_nothing_of_a_deaf_analysis_comes_after_its_cancel(heard):
    heard.session.submit(request(1, "deaf 0.6"))
    heard.until(lambda event: isinstance(event, Progress))
    heard.session.cancel(1)
    begun = time.monotonic()
    assert heard.until_end_of(1) == Cancelled(1)
    assert time.monotonic() - begun < 0.5
    heard.hear_out(1.0)
    assert heard.of(1)[-1] == Cancelled(1)


def test_poll_returns_none_after_its_time(heard):
    heard.until_kind(WorkerReady)
    begun = time.monotonic()
    assert heard.session.poll(0.2) is None
    assert 0.15 < time.monotonic() - begun < 1.0
    assert heard.session.poll(0) is None


def test_who_waits_without_end_is_woken_by_an_event_and_by_wake_alone(heard):
    assert isinstance(heard.session.poll(None), WorkerReady)
    seen: list[object] = []
    waiting = threading.Thread(target=lambda: seen.append(heard.session.poll(None)))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive(), "it waits while there is nothing to hear"
    heard.session.wake()
    waiting.join(5.0)
    assert seen == [None]
    heard.session.wake()
    assert heard.session.poll(None) is None, "a wake before the wait is not lost"
    heard.session.submit(request(1, "windows 1"))
    assert heard.session.poll(None) is not None


def test_a_fault_the_user_can_act_on_is_its_sentence(heard):
    heard.session.submit(request(1, "refuse"))
    end = heard.until_end_of(1)
    assert isinstance(end, Failed)
    assert end.sentence == "The model refuses: choose another one."
    assert "ModelError" in end.details


def test_a_dead_worker_fails_its_request_and_the_next_one_is_taken(heard, expected_log_warnings):
    heard.session.submit(request(1, "die"))
    end = heard.until_end_of(1)
    assert isinstance(end, Failed)
    assert end.sentence.startswith("die: ")
    assert end.sentence.count("\n") == 0
    heard.until_kind(WorkerRestarting)
    heard.session.submit(request(2, "windows 2"))
    assert isinstance(heard.until_end_of(2), Finished)
    after = [type(event) for event in heard.events[heard.events.index(end) + 1 :]]
    assert after[:2] == [WorkerRestarting, WorkerReady]
    assert [type(event) for event in heard.of(1)] == [Progress, Failed]
    assert expected_log_warnings


def test_a_worker_that_dies_again_and_again_stays_down_until_asked(heard, expected_log_warnings):
    for number in (1, 2, 3):
        heard.session.submit(request(number, "die"))
        assert isinstance(heard.until_end_of(number), Failed)
    stopped = heard.until_kind(WorkerStopped)
    assert "the next analysis tries again" in stopped.reason
    heard.hear_out(0.3)
    assert heard.events[-1] is stopped, "it is not started again by itself"
    heard.session.submit(request(4, "windows 1"))
    assert isinstance(heard.until_end_of(4), Finished)
    assert len(expected_log_warnings) >= 3


def test_a_worker_that_cannot_start_fails_what_waits_for_it(kind, listen, expected_log_warnings):
    heard = listen(kind, WorkerPlan("acted_analysis:act", "acted_analysis:unloadable"))
    heard.session.submit(request(1, "windows 1"))
    end = heard.until_end_of(1)
    assert isinstance(end, Failed)
    assert "a library of torch is missing" in end.sentence
    assert "OSError" in end.details
    assert sum(isinstance(event, WorkerRestarting) for event in heard.events) == 2
    assert expected_log_warnings


def test_close_is_quick_while_it_works_and_may_be_called_twice(heard):
    heard.session.submit(request(1, "patient 30"))
    heard.until(lambda event: isinstance(event, Progress))
    begun = time.monotonic()
    heard.session.close()
    assert time.monotonic() - begun < 3.0
    heard.session.close()
    assert heard.session.poll(0.1) is None
    heard.session.submit(request(2, "windows 1"))
    heard.session.cancel(2)
    heard.session.start()
    heard.hear_out(0.2)
    assert heard.of(1)[-1] == heard.events[-1]
    assert not heard.of(2)


def test_a_local_session_is_not_left_while_torch_is_loaded(monkeypatch):
    """A process that ends meanwhile aborts: `lsgui predict` on a bad file ended with status 134."""
    monkeypatch.setattr("lsgui.inference.local_session.CLOSE_WAIT_S", 0.05)
    session = LocalSession(WorkerPlan("acted_analysis:act", "acted_analysis:slow_to_load"))
    session.start()
    session.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "lsgui-local-worker"]


def test_a_session_can_be_closed_before_it_starts(kind, plan):
    session = kind(plan)
    session.close()
    session.close()
    assert session.poll(0.05) is None


def test_a_full_gpu_is_said_and_the_processor_answers(heard):
    heard.session.submit(request(1, "full_gpu", device="cuda"))
    end = heard.until_end_of(1)
    assert isinstance(end, Finished)
    assert end.prediction.device == "cpu"
    notices = [event.sentence for event in heard.of(1) if isinstance(event, Notice)]
    assert len(notices) == 1
    assert notices[0].startswith("The GPU ran out of memory")
    assert notices[0].endswith("analysed on the CPU instead.")
    windows = [event.window.start for event in heard.of(1) if isinstance(event, WindowScored)]
    assert windows == [0, 2], "a window is not scored twice"


def test_a_map_is_drawn_by_itself_and_ends_without_a_verdict(heard):
    asked = replace(request(1, "drawn", wanted="flow"), flow=FlowChoice("raft", 2))
    heard.session.submit(asked)
    assert heard.until_end_of(1) == MapDone(1)
    heard.hear_out(0.2)
    assert [type(event) for event in heard.of(1)] == [Progress, MotionReady, MapDone]
    assert heard.of(1)[1].motion_map.note == "flow by raft on cpu"


def test_a_verdict_replaces_a_map_and_a_map_a_verdict(heard):
    heard.session.submit(request(1, "patient 20", wanted="focus"))
    heard.until(lambda event: isinstance(event, Progress) and event.id == 1)
    heard.session.submit(request(2, "patient 20"))
    assert heard.until_end_of(1) == Cancelled(1)
    heard.until(lambda event: isinstance(event, Progress) and event.id == 2)
    heard.session.submit(request(3, "drawn", wanted="flow"))
    assert heard.until_end_of(3) == MapDone(3)
    ends = [event for event in heard.events if isinstance(event, Finished | MapDone | Failed | Cancelled)]
    assert ends == [Cancelled(1), Cancelled(2), MapDone(3)]


def test_a_map_is_cancelled_within_a_second(heard):
    heard.session.submit(request(1, "patient 30", wanted="flow"))
    heard.until(lambda event: isinstance(event, Progress))
    begun = time.monotonic()
    heard.session.cancel(1)
    assert heard.until_end_of(1) == Cancelled(1)
    assert time.monotonic() - begun < 1.0
    heard.session.submit(request(2, "windows 1"))
    assert isinstance(heard.until_end_of(2), Finished)
    assert time.monotonic() - begun < 2.0, "the worker went on with the cancelled map"


def test_a_worker_that_dies_over_a_map_fails_it_and_goes_on(heard, expected_log_warnings):
    heard.session.submit(request(1, "die", wanted="focus"))
    end = heard.until_end_of(1)
    assert isinstance(end, Failed)
    assert end.sentence.startswith("die: ")
    heard.session.submit(request(2, "drawn", wanted="flow"))
    assert heard.until_end_of(2) == MapDone(2)
    assert expected_log_warnings


def test_a_map_that_fills_the_gpu_is_drawn_by_the_processor(heard):
    heard.session.submit(request(1, "full_gpu", device="cuda", wanted="flow"))
    assert heard.until_end_of(1) == MapDone(1)
    notices = [event.sentence for event in heard.of(1) if isinstance(event, Notice)]
    assert notices == ["The GPU ran out of memory: analysed on the CPU instead."]


def test_the_session_in_this_process_is_a_thread_of_it(listen):
    import threading

    listen(LocalSession).until_kind(WorkerReady)
    assert any(thread.name == "lsgui-local-worker" for thread in threading.enumerate())
