"""What each command does to the state: pure functions, state in, state out. An idle command returns its state."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from lsgui.core.clip import ClipInfo, FrameStore
from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.review.heat_style import heat_range
from lsgui.review.reading_state import Adjudication, Reading
from lsgui.review.state import (
    HEAT_MAPS,
    Analysis,
    AnalysisPhase,
    LoadedClip,
    LoadPhase,
    LoopMode,
    OverlayName,
    PictureSettings,
    Playback,
    ReviewState,
    RoiPhase,
    WorklistEntry,
)
from lsgui.review.worklist import detail_of, merged

SPEEDS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""The speeds that the keys - and = step through."""


# --- worklist and loading ---------------------------------------------------------------------------------------


def worklist_extended(state: ReviewState, entries: tuple[WorklistEntry, ...], *, scanning: bool = False) -> ReviewState:
    """Add clips to the worklist; those already there stay as they are. `scanning` where more may follow."""
    return replace(state, worklist=merged(state.worklist, entries), scanning=scanning)


def entry_changed(
    state: ReviewState,
    path: Path,
    *,
    detail: str | None = None,
    label: ReaderLabel | None = None,
    error: str | None = None,
) -> ReviewState:
    """Change what the worklist says of one clip; None leaves a field as it is."""
    index = place_of(state, path)
    if index is None:
        return state
    entry = state.worklist[index]
    changed = replace(
        entry,
        detail=entry.detail if detail is None else detail,
        label=entry.label if label is None else label,
        error=entry.error if error is None else error,
    )
    if changed == entry:
        return state
    return replace(state, worklist=(*state.worklist[:index], changed, *state.worklist[index + 1 :]))


def place_of(state: ReviewState, path: Path) -> int | None:
    """Return where a clip stands in the worklist; the one on screen is found at once."""
    selected = state.selected
    if selected is not None and selected < len(state.worklist) and state.worklist[selected].path == path:
        return selected
    wanted = hash(path)  # a path keeps its hash: comparing ten thousand paths takes milliseconds
    return next((i for i, e in enumerate(state.worklist) if hash(e.path) == wanted and e.path == path), None)


def clip_selected(state: ReviewState, index: int, *, speed: float) -> ReviewState:
    """Turn to another clip of the worklist: everything that belonged to the former one is gone from the screen."""
    path = state.worklist[index].path
    return replace(
        state,
        selected=index,
        listing=state.listing if state.listing.stays else replace(state.listing, stays=True),
        clip=LoadedClip(path, LoadPhase.OPENING),
        playback=Playback(speed=speed),
        roi=None,
        roi_phase=RoiPhase.NONE,
        analysis=Analysis(),
        reading=Reading(),
        intervals=(),
        adjudication=None if state.adjudication is None else replace(state.adjudication, reads=(), answer=Reading()),
        notice="",
        mmode_column=0.5,
        mmode_second=None,
        tool="none",
    )


def clip_opened(state: ReviewState, info: ClipInfo, store: FrameStore, *, play: bool) -> ReviewState:
    """Show the first frame: the clip decodes on."""
    if state.clip is None:
        return state
    clip = replace(state.clip, phase=LoadPhase.DECODING, info=info, store=store, frames_ready=len(store))
    loop = LoopMode.SWEEP if info.playback == "sweep" else LoopMode.LOOP
    playback = replace(state.playback, loop=loop, playing=play and info.frames > 1)
    if info.trim is not None:
        playback = replace(playback, mark_a=info.trim[0], mark_b=info.trim[1], frame=info.trim[0])
    return replace(state, clip=clip, playback=playback)


def clip_grew(state: ReviewState, frames_ready: int) -> ReviewState:
    """More frames can be shown."""
    if state.clip is None or state.clip.phase is not LoadPhase.DECODING:
        return state
    return replace(state, clip=replace(state.clip, frames_ready=frames_ready))


def clip_completed(state: ReviewState, info: ClipInfo, frames_ready: int) -> ReviewState:
    """All frames are decoded and their number is exact."""
    if state.clip is None:
        return state
    clip = replace(state.clip, phase=LoadPhase.COMPLETE, info=info, frames_ready=frames_ready)
    playback = replace(state.playback, frame=min(state.playback.frame, max(frames_ready - 1, 0)))
    state = replace(state, clip=clip, playback=playback if playback != state.playback else state.playback)
    return entry_changed(state, clip.path, detail=detail_of(info), error="")


def clip_failed(state: ReviewState, sentence: str) -> ReviewState:
    """The clip cannot be read: its place shows the sentence."""
    if state.clip is None:
        return state
    clip = LoadedClip(state.clip.path, LoadPhase.FAILED, error=sentence)
    state = replace(state, clip=clip, playback=Playback(speed=state.playback.speed), roi=None, roi_phase=RoiPhase.NONE)
    return entry_changed(state, clip.path, error=sentence)


def clip_surveyed(
    state: ReviewState, quality: tuple[QualityFlag, ...], mm_per_px: float | None, calibrated: bool
) -> ReviewState:
    """What was seen of the clip without weights: its flags and its scale."""
    if state.clip is None:
        return state
    clip = replace(state.clip, quality=quality, mm_per_px=mm_per_px, calibrated=calibrated)
    return replace(state, clip=clip)


def clip_closed(state: ReviewState) -> ReviewState:
    """Empty the window: no worklist, no clip."""
    return ReviewState(
        listing=replace(state.listing, search="", folded=frozenset()),
        worker=state.worker,
        overlays=state.overlays,
        heat=state.heat,
        flow=state.flow,
        held_scales=state.held_scales,
        mmode_stacked=state.mmode_stacked,
        blind=state.blind,
        model_id=state.model_id,
        device=state.device,
        rater=state.rater,
        known_raters=state.known_raters,
        sitting=state.sitting,
        project=state.project,
        unsaved=state.unsaved,
        adjudication=None if state.adjudication is None else Adjudication(),
        can_undo=state.can_undo,
        can_redo=state.can_redo,
        recent=state.recent,
        pace_s=state.pace_s,
    )


# --- player -----------------------------------------------------------------------------------------------------


def frame_shown(state: ReviewState, frame: int, direction: int | None = None) -> ReviewState:
    """Stand at a frame; frames that are not there yet become the nearest that is."""
    ready = 0 if state.clip is None else state.clip.frames_ready
    if ready == 0:
        return state
    playback = replace(
        state.playback,
        frame=min(max(frame, 0), ready - 1),
        direction=state.playback.direction if direction is None else direction,
    )
    return state if playback == state.playback else replace(state, playback=playback)


def stepped(state: ReviewState, frames: int) -> ReviewState:
    """Pause and go some frames on, or back where negative."""
    return frame_shown(playing_set(state, False), state.playback.frame + frames)


def playing_set(state: ReviewState, playing: bool) -> ReviewState:
    """Play or pause; a clip that stands at the end of playing once starts again."""
    clip, playback = state.clip, state.playback
    if clip is None or clip.frames_ready < 2:
        playing = False
    if playing == playback.playing:
        return state
    frame = playback.frame
    if playing and clip is not None and playback.loop is LoopMode.ONCE and clip.phase is LoadPhase.COMPLETE:
        first = playback.mark_a or 0
        last = clip.frames_ready - 1 if playback.mark_b is None else playback.mark_b
        if playback.direction > 0 and frame >= last:
            frame = first
        elif playback.direction < 0 and frame <= first:
            frame = last
    return replace(state, playback=replace(playback, playing=playing, frame=frame))


def reversed_(state: ReviewState) -> ReviewState:
    """Play the other way round."""
    return replace(state, playback=replace(state.playback, direction=-state.playback.direction))


def loop_cycled(state: ReviewState) -> ReviewState:
    """Go from loop to sweep to once."""
    modes = list(LoopMode)
    after = modes[(modes.index(state.playback.loop) + 1) % len(modes)]
    return loop_set(state, after)


def loop_set(state: ReviewState, mode: LoopMode) -> ReviewState:
    """Set what happens at the end of the clip."""
    return replace(state, playback=replace(state.playback, loop=mode))


def speed_set(state: ReviewState, speed: float) -> ReviewState:
    """Set the speed, held within 0.1 to 4."""
    speed = min(max(speed, SPEEDS[0]), SPEEDS[-1])
    if speed == state.playback.speed:
        return state
    return replace(state, playback=replace(state.playback, speed=speed))


def speed_stepped(state: ReviewState, step: Literal[-1, 1]) -> ReviewState:
    """Take the next slower or faster of `SPEEDS`."""
    now = state.playback.speed
    others = [speed for speed in SPEEDS if (speed - now) * step > 1e-6]
    return speed_set(state, (min if step > 0 else max)(others)) if others else state


def mark_set(state: ReviewState, mark: Literal["a", "b"]) -> ReviewState:
    """Put an A or B mark at the current frame; a mark on the wrong side of the other takes the other away."""
    frame, a, b = state.playback.frame, state.playback.mark_a, state.playback.mark_b
    if mark == "a":
        a, b = frame, b if b is None or b > frame else None
    else:
        a, b = a if a is None or a < frame else None, frame
    return replace(state, playback=replace(state.playback, mark_a=a, mark_b=b))


def marks_cleared(state: ReviewState) -> ReviewState:
    """Play the whole clip again."""
    return replace(state, playback=replace(state.playback, mark_a=None, mark_b=None))


# --- pleural line -----------------------------------------------------------------------------------------------


def line_set(state: ReviewState, roi: PleuralROI | None, phase: RoiPhase) -> ReviewState:
    """Set or take away the pleural line; a verdict for the former line is marked as such."""
    analysis = state.analysis
    if analysis.phase is AnalysisPhase.DONE and roi is not state.roi:
        analysis = replace(analysis, stale=roi is not analysis.roi)
    return replace(state, roi=roi, roi_phase=phase, analysis=analysis, tool="none")


def line_searching(state: ReviewState) -> ReviewState:
    """The program looks for the pleural line."""
    return replace(state, roi_phase=RoiPhase.SEARCHING, tool="none")


def drawing_started(state: ReviewState, tool: Literal["draw_line", "draw_rectangle"]) -> ReviewState:
    """Pause and let the pointer draw the pleural line, or a rectangle to look for it in."""
    return replace(playing_set(state, False), roi_phase=RoiPhase.DRAWING, tool=tool, overlays_shown=True)


def drawing_stopped(state: ReviewState) -> ReviewState:
    """Stop to draw, or to search, and go back to what was there."""
    if state.roi_phase not in (RoiPhase.DRAWING, RoiPhase.SEARCHING):
        return state
    return replace(state, roi_phase=resting_phase(state.roi), tool="none")


def resting_phase(roi: PleuralROI | None) -> RoiPhase:
    """Return the phase of a line that nobody works on."""
    if roi is None:
        return RoiPhase.NONE
    return RoiPhase.SUGGESTED if roi.source == "auto" else RoiPhase.SET


# --- what is drawn ----------------------------------------------------------------------------------------------


def overlays_toggled(state: ReviewState) -> ReviewState:
    """Clear the picture of all overlays, or bring them back."""
    return replace(state, overlays_shown=not state.overlays_shown)


def overlay_switched(state: ReviewState, name: OverlayName, shown: bool) -> ReviewState:
    """Show or hide one overlay; showing one while all are cleared brings them back.

    Of the heat maps one is shown at a time.
    """
    if name not in state.overlays:
        return state
    overlays = {**state.overlays, name: replace(state.overlays[name], shown=shown)}
    if shown and name in HEAT_MAPS:
        others = (other for other in state.overlays if other in HEAT_MAPS and other != name)
        overlays |= {other: replace(state.overlays[other], shown=False) for other in others}
    return replace(state, overlays=MappingProxyType(overlays), overlays_shown=state.overlays_shown or shown)


def scales_held(state: ReviewState) -> ReviewState:
    """Hold the colour scales of this clip's heat maps for the clips to come, or let them go."""
    if state.held_scales:
        return replace(state, held_scales=MappingProxyType({}))
    maps = state.analysis.maps.values()
    ranges = [((m.quantity, m.unit), heat_range(m, state.heat, {})) for m in maps]
    held: dict[tuple[str, str], tuple[float, float]] = {key: (found.low, found.high) for key, found in ranges}
    return replace(state, held_scales=MappingProxyType(held)) if held else state


def overlay_faded(state: ReviewState, name: OverlayName, opacity: float) -> ReviewState:
    """Set how opaque one overlay is, 0 to 1."""
    if name not in state.overlays:
        return state
    switch = replace(state.overlays[name], opacity=min(max(opacity, 0.0), 1.0))
    return replace(state, overlays=MappingProxyType({**state.overlays, name: switch}))


def picture_set(state: ReviewState, picture: PictureSettings) -> ReviewState:
    """Set brightness, contrast and gamma, each held within its range."""
    held = PictureSettings(
        brightness=min(max(picture.brightness, -1.0), 1.0),
        contrast=min(max(picture.contrast, 0.2), 4.0),
        gamma=min(max(picture.gamma, 0.3), 3.0),
    )
    return state if held == state.picture else replace(state, picture=held)


def column_set(state: ReviewState, column: float) -> ReviewState:
    """Take the M-mode at another place along the pleural line, 0 to 1."""
    column = min(max(column, 0.0), 1.0)
    return state if column == state.mmode_column else replace(state, mmode_column=column)


# --- notices ----------------------------------------------------------------------------------------------------


def notice_set(state: ReviewState, sentence: str) -> ReviewState:
    """Show a sentence in the notice bar; an empty one clears it."""
    return state if sentence == state.notice else replace(state, notice=sentence)
