"""Everything the window shows, as one frozen value. The controller replaces it; widgets render the difference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from lsgui.core.clip import ClipInfo, FrameStore
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction, QualityFlag, Ribbon, WindowScore
from lsgui.inference.protocol import USUAL_FLOW, FlowChoice
from lsgui.review.heat_style import HeatStyle, HeldScales
from lsgui.review.reading_state import Adjudication, Reading, Unsaved
from lsgui.review.session_snapshot import LeftSession
from lsgui.review.worklist_choice import NO_FACTS, ClipPlace, EntryFacts, ListChoice


@dataclass(frozen=True, slots=True)
class WorklistEntry:
    """One clip in the worklist. `title` is the file name; `detail` a short line ("218 frames · 8.7 s").

    `label` is the reader's own; `facts` are what others and the AI said, and are asked for by
    `worklist_view.known_facts` alone, which keeps them from a blind reader.
    """

    path: Path
    title: str
    detail: str = ""
    label: ReaderLabel | None = None
    error: str = ""
    group: str = ""
    """Key of its study or folder (`worklist_groups`)."""
    lot: int = 0
    """Its place in a random order (`worklist_lots`)."""
    place: ClipPlace | None = None
    facts: EntryFacts = NO_FACTS


class LoadPhase(StrEnum):
    """How far the selected clip has come."""

    EMPTY = "empty"
    OPENING = "opening"
    DECODING = "decoding"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedClip:
    """The selected clip while it decodes and after.

    `store` may still grow: frames 0..frames_ready-1 can be asked for. `info.frames` is exact once `phase` is COMPLETE.
    """

    path: Path
    phase: LoadPhase
    info: ClipInfo | None = None
    store: FrameStore | None = None
    frames_ready: int = 0
    error: str = ""
    quality: tuple[QualityFlag, ...] = ()
    mm_per_px: float | None = None
    calibrated: bool = False
    scan_box: tuple[int, int, int, int] | None = None
    """Where the ultrasound picture lies within the frame (x, y, width, height); None until it is known."""


class LoopMode(StrEnum):
    """What happens at the end of the clip."""

    LOOP = "loop"
    SWEEP = "sweep"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Playback:
    """Where the clip stands and how it plays. `speed` 0.1-4; `direction` 1 or -1; A-B marks are frames or None."""

    frame: int = 0
    playing: bool = False
    speed: float = 1.0
    direction: int = 1
    loop: LoopMode = LoopMode.LOOP
    mark_a: int | None = None
    mark_b: int | None = None


class RoiPhase(StrEnum):
    """How the pleural line came to be, or why there is none."""

    NONE = "none"
    SEARCHING = "searching"
    SUGGESTED = "suggested"
    DRAWING = "drawing"
    SET = "set"
    NOT_FOUND = "not_found"


class AnalysisPhase(StrEnum):
    """What the worker is doing for the selected clip."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class MapWork:
    """A map that is made on demand, while the verdict and the other maps stay on screen.

    `wanted` is the map's quantity; `words` says what is being made ("flow map by RAFT"), `flow` how flow is measured;
    `drawn` is True once the map came.
    """

    wanted: Literal["flow", "focus"]
    request_id: int
    words: str
    flow: FlowChoice = USUAL_FLOW
    fraction: float = 0.0
    drawn: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The analysis of the selected clip: progress while it runs, then the verdict and its maps."""

    phase: AnalysisPhase = AnalysisPhase.IDLE
    request_id: int = 0
    fraction: float = 0.0
    stage: str = ""
    windows: tuple[WindowScore, ...] = ()
    prediction: Prediction | None = None
    maps: Mapping[str, MotionMap] = field(default_factory=lambda: MappingProxyType({}))
    message: str = ""
    roi: PleuralROI | None = None
    """The line that the request was made for."""
    stale: bool = False
    """True when the line was changed after the verdict: the verdict shown is for the former line."""
    flow: FlowChoice = USUAL_FLOW
    """How the flow map among `maps` was measured."""
    map_work: MapWork | None = None
    """The map that is being made for this verdict; None while none is."""

    @property
    def ribbon(self) -> Ribbon | None:
        """Probability over time and along the pleura, once there is a verdict."""
        return None if self.prediction is None else self.prediction.ribbon


class WorkerPhase(StrEnum):
    """State of the worker process, for the status bar."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Worker:
    """The worker process: its state, device for people ("CPU, 2 threads") and the sentence that goes with it."""

    phase: WorkerPhase = WorkerPhase.STARTING
    device: str = ""
    device_name: str = ""
    torch_version: str = ""
    note: str = ""


OverlayName = Literal[
    "pleural_line", "speckle_change", "flow", "flow_arrows", "focus", "class_ribbon", "badge", "scale_bar"
]


MModeDepth = Literal["near", "usual", "deep"]
"""How far the M-mode reaches above and below the pleura."""

HEAT_MAPS = frozenset({"speckle_change", "flow", "focus"})
"""Overlays of which one is shown at a time: two colour maps over each other can be read as neither."""


@dataclass(frozen=True, slots=True)
class OverlaySwitch:
    """One overlay: shown or not, and how opaque (0-1)."""

    shown: bool = True
    opacity: float = 0.75


def _default_overlays() -> Mapping[OverlayName, OverlaySwitch]:
    return MappingProxyType(
        {
            "pleural_line": OverlaySwitch(),
            "speckle_change": OverlaySwitch(opacity=0.6),
            "flow": OverlaySwitch(shown=False, opacity=0.6),
            "flow_arrows": OverlaySwitch(shown=False),
            "focus": OverlaySwitch(shown=False, opacity=0.7),
            "class_ribbon": OverlaySwitch(),
            "badge": OverlaySwitch(),
            "scale_bar": OverlaySwitch(),
        }
    )


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """How grey values are shown: brightness -1..1, contrast 0.2..4, gamma 0.3..3."""

    brightness: float = 0.0
    contrast: float = 1.0
    gamma: float = 1.0


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A verdict that the reader saw and does not share: what it said, and the model with its version."""

    verdict: SlidingLabel
    model: str


@dataclass(frozen=True, slots=True)
class Override:
    """A saved reading that contradicts the verdict, and waits for the reader's reason; `reading` is its uid."""

    path: Path
    label: ReaderLabel
    against: Contradicted
    reading: str


@dataclass(frozen=True, slots=True, eq=False)
class ReviewState:
    """The whole of what the window shows."""

    worklist: tuple[WorklistEntry, ...] = ()
    listing: ListChoice = field(default_factory=ListChoice)
    """Which clips of the worklist are listed, and in which order (`worklist_view.listed`)."""
    selected: int | None = None
    clip: LoadedClip | None = None
    playback: Playback = Playback()
    roi: PleuralROI | None = None
    roi_phase: RoiPhase = RoiPhase.NONE
    analysis: Analysis = Analysis()
    worker: Worker = Worker()
    overlays: Mapping[OverlayName, OverlaySwitch] = field(default_factory=_default_overlays)
    overlays_shown: bool = True
    heat: HeatStyle = field(default_factory=HeatStyle)
    held_scales: HeldScales = field(default_factory=lambda: MappingProxyType({}))
    """Colour scales that stay as they are from clip to clip; empty where none is held."""
    picture: PictureSettings = PictureSettings()
    mmode_column: float = 0.5
    """Where along the pleural line (0-1) the M-mode is taken."""
    mmode_second: float | None = None
    """The same for a second M-mode beside the first; None for none."""
    mmode_depth: MModeDepth = "usual"
    mmode_stacked: bool = False
    """Two M-modes above one another, each on the player's time axis, instead of side by side."""
    mmode_follows_pointer: bool = False
    reading: Reading = field(default_factory=Reading)
    intervals: tuple[IntervalMark, ...] = ()
    """What the reader marked in the selected clip, in the order of marking; at most one without an end."""
    override: Override | None = None
    """The last override while its reason may be given; it stays when the reader goes on to the next clip."""
    blind: bool = False
    """Blind reading: the verdict is covered until the reader has saved a label."""
    model_id: str = "cmwru-strip"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    flow: FlowChoice = USUAL_FLOW
    """How the reader wants flow to be measured; the legend says how the map that is shown was."""
    notice: str = ""
    """One sentence for the notice bar; empty when there is none."""
    rater: str = ""
    """Who reads: stands in the menu bar and beside every saved label; empty until somebody has said so."""
    rater_asked: bool = False
    """True while the window asks who reads; what was said meanwhile waits for the answer."""
    known_raters: tuple[str, ...] = ()
    """Who has read in this project before, for that question."""
    sitting: int = 1
    """1 for the first pass over the clips, 2 for the second, which does not see the first."""
    project: str = ""
    """Name of the annotation project; empty for the reader's own labels."""
    unsaved: Unsaved = field(default_factory=Unsaved)
    left: LeftSession | None = None
    """A session whose window was not closed, while the reader may have it put back."""
    adjudication: Adjudication | None = None
    """The adjudication of the selected clip; None while nothing is adjudicated."""
    can_undo: bool = False
    """True when there is something to take back: a label, a sign, an interval, an edit of the line."""
    can_redo: bool = False
    recent: tuple[Path, ...] = ()
    """Files and folders opened lately, newest first."""
    scanning: bool = False
    """True while a folder is searched for clips."""
    tool: Literal["none", "draw_line", "draw_rectangle"] = "none"
    """What the pointer does on the clip."""
    pace_s: float | None = None
    """Median seconds between two saved labels of this sitting; None before there are two."""

    @property
    def verdict_hidden(self) -> bool:
        """True while a blind reader has not yet saved a reading; an adjudicator, the adjudication."""
        answer = self.reading if self.adjudication is None else self.adjudication.answer
        return self.blind and not (answer.label is not None and answer.saved_at)

    @property
    def no_lung_is_said(self) -> bool:
        """True where the clip on screen is no lung to be judged; for a blind reader once the own answer is saved."""
        return self.clip is not None and QualityFlag.NOT_LUNG in self.clip.quality and not self.verdict_hidden

    @property
    def ai_is_shown(self) -> bool:
        """True while anything that the AI says of the selected clip is open to the eye."""
        analysis = self.analysis
        return bool(analysis.prediction or analysis.windows or analysis.maps) and not self.verdict_hidden
