"""Sessions to test: both kinds, with acted analyses, closed after the test."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lsgui.core.pleura import read_roi_file
from lsgui.imaging.scan_area import Scale
from lsgui.inference.local_session import LocalSession
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.preparation import build_request
from lsgui.inference.process_session import ProcessSession
from lsgui.inference.protocol import Cancelled, Failed, Finished, InferenceEvent, MapDone
from lsgui.readers.base import open_clip

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))  # for `acted_analysis`; child processes get this path as well

ENDS = (Finished, MapDone, Failed, Cancelled)


class Listener:
    """A session and all the events that came out of it."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.events: list[InferenceEvent] = []

    def until(self, is_it: Callable[[InferenceEvent], bool], within_s: float = 20.0) -> InferenceEvent:
        """Poll until an event is the one; everything heard on the way is in `events`."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            event = self.session.poll(0.05)
            if event is not None:
                self.events.append(event)
                if is_it(event):
                    return event
        raise AssertionError(f"the event did not come within {within_s} s; heard {self.events}")

    def until_kind(self, kind: type, within_s: float = 20.0) -> Any:
        """Poll until an event of this class."""
        return self.until(lambda event: isinstance(event, kind), within_s)

    def until_end_of(self, number: int, within_s: float = 20.0) -> Any:
        """Poll until the request's end."""
        return self.until(lambda event: isinstance(event, ENDS) and event.id == number, within_s)

    def hear_out(self, seconds: float) -> None:
        """Listen for a while more."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            event = self.session.poll(left)
            if event is not None:
                self.events.append(event)

    def of(self, number: int) -> list[InferenceEvent]:
        """Return the events of one request in their order."""
        return [event for event in self.events if getattr(event, "id", None) == number]


@pytest.fixture
def plan() -> WorkerPlan:
    """A worker that acts and never loads torch."""
    return WorkerPlan("acted_analysis:act", "acted_analysis:fake_devices", threads=1, draw="acted_analysis:draw")


@pytest.fixture
def listen(plan: WorkerPlan) -> Iterator[Callable[..., Listener]]:
    """Start a session of a kind and listen to it; it is closed after the test."""
    sessions: list[Any] = []

    def start(kind: type, of: WorkerPlan | None = None) -> Listener:
        session = kind(of or plan)
        sessions.append(session)
        session.start()
        return Listener(session)

    yield start
    for session in sessions:
        session.close()


@pytest.fixture(params=[LocalSession, ProcessSession], ids=["local", "process"])
def kind(request: pytest.FixtureRequest) -> type:
    """Each implementation of the session contract."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def heard(kind: type, listen: Callable[..., Listener]) -> Listener:
    """A started session of each kind."""
    return listen(kind)


@pytest.fixture
def lumify(shared_clips):
    """A function from a number to a request for the Lumify clip with its hand-drawn line."""
    path = shared_clips / "tuke_lumify_l12.mp4"
    clip = open_clip(path)
    roi = read_roi_file(shared_clips / "pleura.json", path.name)

    def make(number, model="motion"):
        return build_request(
            clip,
            roi,
            request_id=number,
            model_id=model,
            device="auto",
            scale=Scale(0.235, False),
            quality=(),
            seconds={"read": 0.1, "roi": 0.2},
        )

    yield make
    clip.store.close()
