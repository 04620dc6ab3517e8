"""The real pipeline in both kinds of session, on a real clip: the answer comes, a cancel is heard, torch stays away."""

import json
import time
from dataclasses import replace

from lsgui.inference.plan import WorkerPlan
from lsgui.inference.process_session import ProcessSession
from lsgui.inference.protocol import (
    Cancelled,
    Finished,
    FlowChoice,
    MapDone,
    MotionReady,
    Progress,
    WindowScored,
    WorkerReady,
)


def test_the_worker_answers_with_maps_windows_and_a_verdict_and_hears_a_cancel(listen, kind, lumify):
    heard = listen(kind, WorkerPlan(threads=0))
    ready = heard.until_kind(WorkerReady, within_s=90)
    assert ready.torch_version
    assert ready.device_name
    heard.session.submit(lumify(1))
    end = heard.until_end_of(1, within_s=60)
    assert isinstance(end, Finished)
    assert end.prediction.clip == "tuke_lumify_l12.mp4"
    assert json.dumps(end.prediction.to_json())
    assert {event.motion_map.quantity for event in heard.of(1) if isinstance(event, MotionReady)} >= {"speckle_change"}
    flow = [e.motion_map for e in heard.of(1) if isinstance(e, MotionReady) and e.motion_map.quantity == "flow"]
    assert flow[0].vectors.shape[0] == len(flow[0].times_s)  # velocities come through the pipe
    windows = [event.window for event in heard.of(1) if isinstance(event, WindowScored)]
    assert [(w.start, w.stop) for w in windows] == [(w.start, w.stop) for w in end.prediction.windows]
    fractions = [event.fraction for event in heard.of(1) if isinstance(event, Progress)]
    assert fractions == sorted(fractions)

    heard.session.submit(lumify(2))
    heard.until(lambda event: isinstance(event, Progress) and event.id == 2)
    begun = time.monotonic()
    heard.session.cancel(2)
    assert heard.until_end_of(2) == Cancelled(2)
    heard.session.submit(lumify(3))
    heard.until(lambda event: isinstance(event, Progress) and event.id == 3)
    assert time.monotonic() - begun < 3.0, "the worker stopped its former work and took the next"
    heard.session.cancel(3)


def test_the_worker_draws_focus_and_raft_hears_a_cancel_between_batches(listen, lumify):
    heard = listen(ProcessSession, WorkerPlan(threads=0))
    heard.until_kind(WorkerReady, within_s=90)
    heard.session.submit(replace(lumify(1, "cmwru-strip"), wanted="focus"))
    assert heard.until_end_of(1, within_s=120) == MapDone(1)
    (focus,) = [event.motion_map for event in heard.of(1) if isinstance(event, MotionReady)]
    assert focus.quantity == "focus"
    heard.session.submit(replace(lumify(2), wanted="flow", flow=FlowChoice("raft")))
    heard.until(lambda event: isinstance(event, Progress) and event.id == 2 and event.fraction > 0.12, within_s=60)
    begun = time.monotonic()
    heard.session.cancel(2)
    assert heard.until_end_of(2) == Cancelled(2)
    assert time.monotonic() - begun < 1.0
    heard.session.submit(replace(lumify(3), wanted="flow", flow=FlowChoice("dis", 1)))
    heard.until(lambda event: isinstance(event, Progress) and event.id == 3)
    assert time.monotonic() - begun < 3.0, "the worker stopped RAFT and took the next"
    heard.session.cancel(3)


def test_both_kinds_of_session_give_the_same_answer(listen, lumify):
    from lsgui.inference.local_session import LocalSession

    answers = []
    for session in (LocalSession, ProcessSession):
        heard = listen(session, WorkerPlan(threads=1))
        heard.session.submit(lumify(1))
        said = heard.until_end_of(1, within_s=90).prediction.to_json()
        del said["seconds"]
        answers.append(said)
        heard.session.close()
    assert answers[0] == answers[1]
