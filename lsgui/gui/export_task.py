"""What the window exports: the clip as it stands when it is asked for, and what is made of it. No widget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction
from lsgui.gui.frame_picture import grey_table
from lsgui.gui.job_thread import Cancelled
from lsgui.review.heat_style import HeatRange, heat_range
from lsgui.review.mmode_transitions import mmode_reach_px
from lsgui.review.state import HEAT_MAPS, AnalysisPhase, LoadPhase, PictureSettings, ReviewState

if TYPE_CHECKING:  # these load OpenCV: not before something is exported
    from lsgui.core.reading import ReadingRecord
    from lsgui.export.annotated_frame import HeatLook, Layers
    from lsgui.export.mask import PixelMask
    from lsgui.export.pseudonyms import Pseudonyms


@dataclass(frozen=True, slots=True)
class ShownHeat:
    """The heat map on screen: its quantity, colours ("own" for its own), scale, averaging and opacity."""

    quantity: str
    colours: str
    scale: HeatRange
    window_s: float
    opacity: float

    def look(self) -> "HeatLook":
        """Return it in the words of an export."""
        from lsgui.export.annotated_frame import HEAT_RAMPS, HeatLook

        own = self.colours == "own" or self.quantity == "focus"
        ramp = HEAT_RAMPS[self.quantity] if own else self.colours
        return HeatLook(self.quantity, ramp, self.scale.low, self.scale.high, self.window_s, self.opacity)


@dataclass(frozen=True, slots=True, eq=False)
class ExportSubject:
    """The selected clip as it stands, with all that is known of it.

    Attributes
    ----------
    clip, content_hash
        The clip, and its fingerprint where it is known already.
    store, rater, sitting
        Where readings and approved masks are kept, and whose reading is told.
    prediction
        The verdict, None where there is none or the line was changed after it (`stale`).
    hidden
        True while a blind reader must not see it.
    shown
        Names of the overlays that are switched on.
    greys
        The grey shown for every grey of the file where the reader changed it; None for the file's own.
    """

    clip: Clip
    content_hash: str | None
    store: Path
    rater: str
    sitting: int
    roi: PleuralROI | None
    prediction: Prediction | None
    maps: Mapping[str, MotionMap]
    hidden: bool
    stale: bool
    area: tuple[int, int, int, int] | None
    mm_per_px: float | None
    calibrated: bool
    frame: int
    columns: tuple[float, ...]
    reach_px: tuple[int, int]
    shown: frozenset[str]
    heat: ShownHeat | None
    greys: npt.NDArray[np.uint8] | None = None

    @property
    def clip_id(self) -> str:
        """The first digits of the fingerprint, empty while it is not known."""
        return (self.content_hash or "")[:8]

    def layers(self) -> "Layers":
        """Return what lies over the picture."""
        from lsgui.export.annotated_frame import Layers

        return Layers(
            line="pleural_line" in self.shown,
            heat=self.heat is not None,
            ribbon="class_ribbon" in self.shown,
            scale_bar="scale_bar" in self.shown,
        )


def export_subject(state: ReviewState, content_hash: str | None, store: Path) -> ExportSubject | None:
    """Return the selected clip; None while it is not decoded to its end."""
    loaded = state.clip
    if loaded is None or loaded.phase is not LoadPhase.COMPLETE or loaded.store is None or loaded.info is None:
        return None
    analysis = state.analysis
    done = analysis.phase is AnalysisPhase.DONE and not analysis.stale
    switches = {name: switch for name, switch in state.overlays.items() if switch.shown and state.overlays_shown}
    maps = analysis.maps if done else MappingProxyType({})
    second = () if state.mmode_second is None else (state.mmode_second,)
    return ExportSubject(
        clip=Clip(loaded.info, loaded.store),
        content_hash=content_hash,
        store=store,
        rater=state.rater,
        sitting=state.sitting,
        roi=state.roi,
        prediction=analysis.prediction if done else None,
        maps=maps,
        hidden=state.verdict_hidden,
        stale=analysis.stale,
        area=loaded.scan_box,
        mm_per_px=loaded.mm_per_px or None,
        calibrated=loaded.calibrated,
        frame=state.playback.frame,
        columns=(state.mmode_column, *second),
        reach_px=mmode_reach_px(loaded.mm_per_px, state.mmode_depth),
        shown=frozenset(switches),
        heat=_shown_heat(state, maps),
        greys=_greys(state.picture),
    )


def _greys(picture: PictureSettings) -> npt.NDArray[np.uint8] | None:
    """Return the greys that the reader set, with black left black as the mask needs it; None for the file's own."""
    if picture == PictureSettings():
        return None
    table = grey_table(picture)
    table[0] = 0
    return table


def _shown_heat(state: ReviewState, maps: Mapping[str, MotionMap]) -> ShownHeat | None:
    for name, switch in state.overlays.items():
        motion = maps.get(name)
        if name in HEAT_MAPS and switch.shown and state.overlays_shown and motion is not None:
            scale = heat_range(motion, state.heat, state.held_scales)
            return ShownHeat(name, state.heat.colours, scale, state.heat.window_s, switch.opacity)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Cleared:
    """What a task may use once a person has approved: fingerprint, mask, the reader's record, pseudonyms."""

    content_hash: str
    mask: "PixelMask | None"
    record: "ReadingRecord | None"
    pseudonyms: "Pseudonyms | None"


@dataclass(frozen=True, slots=True)
class ExportEnd:
    """How an export ended: one sentence, and the folder with what was saved; None where nothing was."""

    sentence: str
    folder: Path | None = None


Progress = Callable[[str, float], None]
"""Takes what is being made, in words, and how far all of it is, 0 to 1."""


class ExportTask(Protocol):
    """Something that is made of a clip.

    Contract: `carry_out` asks `cancelled()` as a `Job` does, raises `CancelledError` or `LsguiError`, and leaves
    nothing half-written. Pixels go through `cleared.mask` alone.
    """

    @property
    def subject(self) -> ExportSubject:
        """The clip."""
        ...

    @property
    def needs_mask(self) -> bool:
        """Whether pixels leave."""
        ...

    def carry_out(self, cleared: Cleared, tell: Progress, cancelled: Cancelled) -> ExportEnd:
        """Make it, in the thread."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class BundleTask:
    """The files of the export dialog, or the single picture of the quick command.

    Attributes
    ----------
    kinds
        Values of `lsgui.export.request.ExportKind`.
    folder
        Where they go.
    file_names
        Names that the reader chose himself, by kind; the usual ones for others.
    """

    subject: ExportSubject
    kinds: tuple[str, ...]
    folder: Path
    keep_names: bool = False
    identified: bool = False
    paper: str = "a4"
    file_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def needs_mask(self) -> bool:
        """Whether pixels leave."""
        from lsgui.export.kinds import ExportKind, needs_mask

        return needs_mask([ExportKind(kind) for kind in self.kinds], self.subject.clip)

    def carry_out(self, cleared: Cleared, tell: Progress, cancelled: Cancelled) -> ExportEnd:
        """Make the files."""
        from lsgui.export.export_process import export_in_process
        from lsgui.export.kinds import ExportKind
        from lsgui.export.request import ExportRequest

        subject = self.subject
        request = ExportRequest(
            clip=subject.clip,
            content_hash=cleared.content_hash,
            kinds=tuple(ExportKind(kind) for kind in self.kinds),
            folder=self.folder,
            mask=cleared.mask,
            roi=subject.roi,
            prediction=subject.prediction,
            maps=subject.maps,
            record=cleared.record,
            hidden=subject.hidden,
            area=subject.area,
            mm_per_px=subject.mm_per_px,
            calibrated=subject.calibrated,
            frame=subject.frame,
            mmode_column=subject.columns[0],
            layers=subject.layers(),
            greys=subject.greys,
            look=None if subject.heat is None else subject.heat.look(),
            keep_names=self.keep_names,
            identified=self.identified,
            pseudonyms=cleared.pseudonyms,
            overwrite=bool(self.file_names),
            paper="letter" if self.paper == "letter" else "a4",
            file_names={ExportKind(kind): name for kind, name in self.file_names.items()},
        )
        result = export_in_process(request, tell, cancelled)
        return ExportEnd(result.sentence, self.folder if result.files else None)
