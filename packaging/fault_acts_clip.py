"""Clips that go while the real window works on them: as in fault_acts.py, each returns what the window said."""

import os
from pathlib import Path

from fault_scene import Scene, is_one_sentence, real_worker, write_clip
from PySide6.QtWidgets import QFileDialog

from lsgui.annotation.by_name import bind_clips
from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.review.state import LoadPhase


def clip_gone_while_it_plays(work: Path) -> str:
    """The drive with the clip is pulled while it plays: it plays on, is labelled, and is analysed."""
    scene = Scene(work, real_worker)
    scene.say(0, "ls_p")
    scene.clips[0].unlink()
    scene.must(scene.state.playback.playing, "it does not play")
    before = scene.state.playback.frame
    scene.until(lambda: scene.state.playback.frame != before, "the next frame")
    scene.say(0, "ls_a")
    scene.draw()
    scene.analyse()
    scene.verdict()
    scene.clips[2].unlink()
    scene.turn_to(2, ready=False)
    scene.until(lambda: scene.state.clip is not None and scene.state.clip.phase is LoadPhase.FAILED, "the fault")
    said = scene.state.clip.error
    scene.must(is_one_sentence(said) and said in _painted(scene), f"what is wrong with the clip is not said: {said}")
    scene.turn_to(1)
    scene.say(1, "ls_p")
    scene.close()
    scene.kept()
    return said


def clip_gone_while_it_is_decoded(work: Path) -> str:
    """The folder with the clip goes while it is decoded and already labelled; then half of a file goes."""
    scene = Scene(_with_a_long_clip(work))
    scene.turn_to(2, ready=False)
    scene.until(lambda: scene.state.clip is not None and scene.state.clip.frames_ready > 5, "the first frames")
    scene.must(not scene.is_complete, "it was decoded before it could go")
    folder = scene.clips[2].parent
    gone = folder.with_name("pulled")
    folder.rename(gone)
    scene.say(2, "ls_a", wait=False)
    scene.until(
        lambda: scene.state.clip is not None and scene.state.clip.phase in (LoadPhase.COMPLETE, LoadPhase.FAILED), "end"
    )
    scene.until(lambda: scene.state.unsaved.count > 0 or scene.is_saved(), "how the label stands")
    scene.must(not scene.is_saved(), "the label was saved although the clip is gone: nothing was drilled")
    said = scene.state.unsaved.sentence
    scene.must(said in scene.words().replace("\n", " "), f"why it is not saved is not on screen: {said}")
    scene.review.window.close()
    scene.answer("another file")
    question = scene.review.window.unsaved_question
    scene.until(lambda: isinstance(question.dialog, QFileDialog), "where to save")
    rescued = work / "rescued.sqlite"
    question.dialog.fileSelected.emit(str(rescued))
    question.dialog.reject()
    scene.until(lambda: not scene.review.window.isVisible(), "the window to close")
    scene.forget()
    scene.hashes[2] = content_hash(gone / scene.clips[2].name)  # once the drive is back
    with AnnotationStore(rescued) as store:
        bind_clips(store, {scene.clips[2].name: scene.hashes[2]})
    scene.kept(rescued)
    return said


def clip_cut_off_while_it_is_decoded(work: Path) -> str:
    """The file shrinks while it is decoded, as on a network path that breaks off."""
    scene = Scene(_with_a_long_clip(work))
    scene.say(0, "ls_p")
    scene.turn_to(2, ready=False)
    scene.until(lambda: scene.state.clip is not None and scene.state.clip.frames_ready > 5, "the first frames")
    os.truncate(scene.clips[2], scene.clips[2].stat().st_size // 3)
    scene.until(
        lambda: scene.state.clip is not None and scene.state.clip.phase in (LoadPhase.COMPLETE, LoadPhase.FAILED), "end"
    )
    clip = scene.state.clip
    said = "" if clip is None else clip.error or scene.state.notice
    scene.must(is_one_sentence(said), f"what is wrong with the clip is not said: {said}")
    scene.turn_to(0)
    scene.say(0, "ls_a")
    scene.close()
    scene.kept()
    return said


def clip_gone_before_it_is_analysed(work: Path) -> str:
    """The clip is decoded, then its folder is renamed: line, analysis and label need the file no more."""
    scene = Scene(work, real_worker)
    folder = scene.clips[0].parent
    folder.rename(folder.with_name("renamed"))
    scene.draw()
    scene.analyse()
    scene.verdict()
    scene.say(0, "lung_point")
    scene.close()
    scene.kept()
    return "the verdict came all the same"


def _with_a_long_clip(work: Path) -> Path:
    """Write the third clip so that its decoding takes a while; the window decodes the second one ahead, not this."""
    (work / "clips").mkdir()
    write_clip(work / "clips" / "clip 2.avi", 900, seed=9, size=(640, 480))
    return work


def _painted(scene: Scene) -> str:
    return f"{scene.words()} {scene.review.window.clip_view.accessibleDescription()}" + "".join(
        widget.accessibleName() for widget in (scene.review.window.clip_view,)
    )


ACTS = {
    act.__name__: act
    for act in (
        clip_gone_while_it_plays,
        clip_gone_while_it_is_decoded,
        clip_cut_off_while_it_is_decoded,
        clip_gone_before_it_is_analysed,
    )
}
