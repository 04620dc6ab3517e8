"""From the line to the verdict: a 10 s clip by the default model, in the worker process that the window uses."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lsgui.bench.rows import Area, BenchRow, Bound, Target, Tell
from lsgui.bench.sample_clips import simulate_sample
from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.errors import LsguiError
from lsgui.core.pleura import PleuralROI
from lsgui.imaging.scan_area import Scale
from lsgui.inference.device import background_threads
from lsgui.inference.local_session import LocalSession
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.preparation import build_request
from lsgui.inference.process_session import ProcessSession
from lsgui.inference.protocol import (
    Failed,
    Finished,
    InferenceEvent,
    InferenceSession,
    MotionReady,
    Progress,
    WindowScored,
    WorkerReady,
)

MODEL = "cmwru-strip"
LIMIT_S = 1.0
_FPS = 30.0
_READY_S, _ANSWER_S = 120.0, 60.0


@dataclass(frozen=True, slots=True)
class Round:
    """One analysis: seconds from the request on.

    Attributes
    ----------
    request_s
        To cut the box out of the clip that the worker is sent.
    first_window_s, first_map_s, verdict_s
        Until the first window on the ribbon, the first heat map and the verdict are there.
    stages
        Seconds by stage, in the words that the window shows.
    """

    request_s: float
    first_window_s: float
    first_map_s: float
    verdict_s: float
    stages: dict[str, float]


@dataclass(frozen=True, slots=True)
class VerdictTimes:
    """The rounds, of which the fastest stands in the table: what else ran on the machine only ever adds time."""

    frames: int
    width: int
    height: int
    threads: int
    label: str
    rounds: tuple[Round, ...]

    @property
    def best(self) -> Round:
        """The fastest round."""
        return min(self.rounds, key=lambda one: one.verdict_s)

    def as_json(self) -> dict[str, Any]:
        """Return the `verdict` object."""
        best = self.best
        return {
            "verdict": {
                "model": MODEL,
                "clip": {"frames": self.frames, "width": self.width, "height": self.height, "fps": _FPS},
                "line_to_verdict_s": best.verdict_s,
                "median_s": float(np.median([one.verdict_s for one in self.rounds])),
                "rounds": len(self.rounds),
                "request_s": best.request_s,
                "first_window_s": best.first_window_s,
                "first_map_s": best.first_map_s,
                "stages_s": best.stages,
                "worker_threads": self.threads,
                "label": self.label,
            }
        }

    def rows(self) -> list[BenchRow]:
        """Return the rows: there is no other program to stand beside, but a limit that was promised."""
        what = f"line to verdict, {self.frames / _FPS:.0f} s of {self.width} x {self.height}"
        longest = sorted(self.best.stages.items(), key=lambda stage: -stage[1])[:2]
        note = ", ".join(f"{words.lower()} {seconds:.2f} s" for words, seconds in longest)
        return [
            BenchRow(Area.CLIP, what, self.best.verdict_s, "s", target=Target(Bound.AT_MOST, LIMIT_S), note=note),
            BenchRow(Area.CLIP, "line to first windows", self.best.first_window_s, "s"),
        ]


def measure(tell: Tell, quick: bool) -> VerdictTimes:
    """Simulate a clip, start the worker as the window does, and ask it for the verdict several times."""
    frames, width, height, rounds = (45, 200, 160, 1) if quick else (300, 640, 480, 7)
    tell("Simulating a clip", 0.0)
    clip, roi, scale = _sample(frames, width, height)
    # A thread of this process in the short run, for a new process first loads its libraries.
    session: InferenceSession = LocalSession(WorkerPlan(threads=0)) if quick else ProcessSession()
    session.start()
    try:
        _until(session, WorkerReady, _READY_S)
        tell("Asking for the verdict", 0.4)
        asked = [_round(session, clip, roi, scale, number) for number in range(1, rounds + 2)]
    finally:
        session.close()
    kept = asked[1:]  # the first one finds cold caches, as the window's never does
    return VerdictTimes(
        frames, width, height, background_threads(), kept[0][1].prediction.label.value, tuple(one for one, _ in kept)
    )


def _sample(frames: int, width: int, height: int) -> tuple[Clip, PleuralROI, Scale]:
    made, order = simulate_sample(frames, width, height, _FPS)
    pictures = made.frames[list(order)]
    info = ClipInfo(
        path=Path("sample.avi"),
        format="movie",
        frames=frames,
        width=width,
        height=height,
        fps=_FPS,
        fps_source="container",
    )
    return Clip(info, MemoryFrames(pictures)), made.roi, Scale(made.mm_per_px, True)


def _round(session: InferenceSession, clip: Clip, roi: PleuralROI, scale: Scale, number: int) -> tuple[Round, Finished]:
    begun = time.perf_counter()
    request = build_request(
        clip, roi, request_id=number, model_id=MODEL, device="cpu", scale=scale, quality=(), seconds={}
    )
    asked = time.perf_counter()
    session.submit(replace(request))
    heard = _until(session, Finished, _ANSWER_S)
    last, end = heard[-1]
    if not isinstance(end, Finished):
        raise LsguiError("the worker gave no verdict")
    moments = [(at, event.stage) for at, event in heard if isinstance(event, Progress)]
    ends = [*(at for at, _ in moments[1:]), last]

    def first(kind: type) -> float:
        return next((at for at, event in heard if isinstance(event, kind)), last) - begun

    return (
        Round(
            request_s=asked - begun,
            first_window_s=first(WindowScored),
            first_map_s=first(MotionReady),
            verdict_s=last - begun,
            stages={words: stop - at for (at, words), stop in zip(moments, ends, strict=True)},
        ),
        end,
    )


def _until(session: InferenceSession, kind: type, longest_s: float) -> list[tuple[float, InferenceEvent]]:
    """Return all events with their moments until one of a kind has come.

    Raises
    ------
    LsguiError
        When the worker fails or says nothing for so long.
    """
    heard: list[tuple[float, InferenceEvent]] = []
    while time.perf_counter() < (heard[0][0] if heard else time.perf_counter()) + longest_s:
        event = session.poll(longest_s)
        if event is None:
            break
        heard.append((time.perf_counter(), event))
        if isinstance(event, Failed):
            raise LsguiError(event.sentence)
        if isinstance(event, kind):
            return heard
    raise LsguiError("The analysis worker does not answer: nothing could be measured.")
