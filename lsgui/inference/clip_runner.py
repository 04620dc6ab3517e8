"""From a path to a prediction without a screen: read, find or take the line, ask the session, collect the answer."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI, check_roi_fits
from lsgui.core.prediction import Prediction, QualityFlag
from lsgui.imaging.lung_judge import lung_flags
from lsgui.imaging.pleura_finder import find_pleura
from lsgui.imaging.quality import clip_flags
from lsgui.imaging.scan_area import ScanArea, find_scan_area, picture_scale
from lsgui.inference.line_file import LineFile
from lsgui.inference.preparation import build_request, prediction_without_line
from lsgui.inference.protocol import (
    Cancelled,
    DeviceChoice,
    Failed,
    Finished,
    FlowChoice,
    InferenceEvent,
    InferenceRequest,
    InferenceSession,
    MapDone,
    MotionReady,
    Progress,
    WorkerReady,
    WorkerStopped,
)
from lsgui.models.card import load_card
from lsgui.readers.base import open_clip

Tell = Callable[[str, float], None]
"""Takes what is being done, in words, and how far it is, 0 to 1."""

_POLL_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class ClipAnswer:
    """A clip, its scan area, what is said of it, and heat maps by quantity. Valid while the runner's block is open."""

    clip: Clip
    area: ScanArea
    prediction: Prediction
    maps: dict[str, MotionMap] = field(default_factory=dict)


class ClipRunner:
    """Judges clips one after another with one session.

    Parameters
    ----------
    session
        A started session; the caller closes it.
    model_id, device
        What to run, by its id or its folder, and where.
    lines
        Pleural lines by clip; a clip without one gets an automatic line.
    flow
        How flow is measured, where its map is wanted: it is then the only map of an answer. None: the maps that come
        with the verdict.
    read
        Reads a clip whole: in this process, or through one that a damaged file may take along.
    """

    def __init__(
        self,
        session: InferenceSession,
        model_id: str,
        device: DeviceChoice,
        lines: LineFile | None = None,
        flow: FlowChoice | None = None,
        read: Callable[[Path], Clip] = open_clip,
    ) -> None:
        self._session = session
        self._read = read
        self._model_id = model_id
        self._card = load_card(model_id)
        self._choice = device
        self._lines = lines
        self._flow = flow
        self._last_id = 0
        self._device = "" if device == "auto" else str(device)

    @contextmanager
    def judged(
        self, path: Path, tell: Tell = lambda _stage, _fraction: None, roi: PleuralROI | None = None
    ) -> Iterator[ClipAnswer]:
        """Read and judge one clip; its frames are given back when the block ends.

        Parameters
        ----------
        roi
            Its pleural line, in place of the one that the runner's `lines` may hold.

        Raises
        ------
        LsguiError
            One sentence when the clip cannot be read, its line does not fit, or the analysis failed.
        """
        begun = time.perf_counter()
        tell("Reading", 0.0)
        clip = self._read(path)
        try:
            yield self.judge(clip, self._given_line(clip, roi), time.perf_counter() - begun, tell)
        finally:
            close = getattr(clip.store, "close", None)
            if close is not None:
                close()

    def judge(
        self,
        clip: Clip,
        roi: PleuralROI | None,
        read_s: float = 0.0,
        tell: Tell = lambda _stage, _fraction: None,
    ) -> ClipAnswer:
        """Judge a clip that is read already.

        Parameters
        ----------
        roi
            Its pleural line; None: one is looked for.
        read_s
            Seconds that reading took.

        Raises
        ------
        LsguiError
            One sentence when the analysis failed.
        """
        begun = time.perf_counter()
        quality = tuple(clip_flags(clip))
        tell("Finding the pleural line", 0.0)
        area = find_scan_area(clip)
        scale = picture_scale(clip.info, area)
        quality = (*quality, *lung_flags(clip, area))
        if roi is None and not {QualityFlag.NO_PLEURA, QualityFlag.NOT_LUNG} & set(quality):
            roi = find_pleura(clip, area, scale)
        seconds = {"read": read_s, "roi": time.perf_counter() - begun}
        if roi is None:
            return ClipAnswer(clip, area, self._without_line(clip, quality, seconds))
        self._last_id += 1
        request = build_request(
            clip,
            roi,
            request_id=self._last_id,
            model_id=self._model_id,
            device=self._choice,
            scale=scale,
            quality=quality,
            seconds=seconds,
        )
        prediction, maps = self._answer(request, tell)
        if self._flow is not None:
            self._last_id += 1
            maps = self._maps(replace(request, id=self._last_id, wanted="flow", flow=self._flow), tell)
        return ClipAnswer(clip, area, prediction, maps)

    def _given_line(self, clip: Clip, roi: PleuralROI | None) -> PleuralROI | None:
        name = clip.info.path.name
        if roi is None and self._lines is not None:
            roi = self._lines.line_for(name)
        if roi is not None:
            check_roi_fits(roi, clip.info.width, clip.info.height, name)
        return roi

    def _answer(self, request: InferenceRequest, tell: Tell) -> tuple[Prediction, dict[str, MotionMap]]:
        maps: dict[str, MotionMap] = {}
        end = self._end_of(request, tell, maps)
        if not isinstance(end, Finished):
            raise LsguiError(f"{request.clip}: the analysis ended without a verdict.")
        return end.prediction, maps

    def _maps(self, request: InferenceRequest, tell: Tell) -> dict[str, MotionMap]:
        maps: dict[str, MotionMap] = {}
        self._end_of(request, tell, maps)
        return maps

    def _end_of(self, request: InferenceRequest, tell: Tell, maps: dict[str, MotionMap]) -> Finished | MapDone:
        """Return how a request ended; its maps are added to `maps` on the way."""
        self._session.submit(request)
        while True:
            event = self._next_event()
            if event is None or getattr(event, "id", request.id) != request.id:
                continue
            if isinstance(event, Progress):
                tell(event.stage, event.fraction)
            elif isinstance(event, MotionReady):
                maps[event.motion_map.quantity] = event.motion_map
            elif isinstance(event, Finished | MapDone):
                return event
            elif isinstance(event, Failed):
                raise LsguiError(event.sentence)
            elif isinstance(event, Cancelled):
                raise LsguiError(f"{request.clip}: the analysis was stopped.")

    def _next_event(self) -> InferenceEvent | None:
        event = self._session.poll(_POLL_S)
        if isinstance(event, WorkerReady) and not self._device:
            self._device = event.device
        elif isinstance(event, WorkerStopped):
            self._device = self._device or "cpu"
        return event

    def _without_line(self, clip: Clip, quality: tuple[QualityFlag, ...], seconds: dict[str, float]) -> Prediction:
        while not self._device:  # what would have computed: known once the worker is warm
            self._next_event()
        seconds = {**seconds, "inference": 0.0}
        return prediction_without_line(clip.info.path.name, self._card, quality, seconds, self._device)
