"""A session whose window was killed is offered above the clip, put back when asked, and otherwise left alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from label_samples import Key, open_ready
from window_samples import draw, is_complete, open_clip_in, press, until

from lsgui.annotation.store import AnnotationStore
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import StatementKind
from lsgui.review.paths import labels_file, sessions_dir
from lsgui.review.session_mark import SessionMark, begin_mark, claim_left
from lsgui.review.session_snapshot import Snapshot, UnsavedStatement, load_snapshot, save_snapshot
from lsgui.review.state import RoiPhase

LINE = PleuralROI.single(2, [[20.0, 50.0], [140.0, 52.0]])


def _leave(snapshot: Snapshot, stack: str = "") -> None:
    """Leave behind what a killed window leaves."""
    mark = begin_mark(sessions_dir())
    assert mark is not None
    save_snapshot(mark.snapshot_file, snapshot)
    mark.stack_file.write_text(stack)
    mark.let_go()


def _begin(review: Any) -> SessionMark:
    mark = begin_mark(sessions_dir())
    assert mark is not None
    review.controller.session.begin(mark)
    return mark


def _files() -> list[str]:
    return sorted(path.name for path in sessions_dir().iterdir())


@pytest.fixture
def mark(review: Any) -> Any:
    """The mark of the window of the test, taken away after it as the program does."""
    held: list[SessionMark] = []
    yield lambda: held.append(_begin(review)) or held[-1]
    review.window.close()
    for one in held:
        one.take_away()


def test_what_was_open_is_put_back_clip_line_and_position(review, qtbot, clips, mark):
    _leave(Snapshot(tuple(clips), clips[1], 9, ((clips[1], LINE), (clips[2], LINE))))
    mine = mark()
    strip = review.window.left_strip
    until(qtbot, strip.isVisible)
    assert "without being closed; what was saved is safe." in strip.words.text()
    strip.restore.click()
    assert not strip.isVisible()
    until(qtbot, lambda: is_complete(review) and review.controller.state.clip.path == clips[1])
    until(qtbot, lambda: review.controller.state.playback.frame == 9)
    state = review.controller.state
    assert [entry.path for entry in state.worklist] == clips
    assert not state.playback.playing
    assert state.roi_phase is RoiPhase.SET
    assert state.roi.to_json() == LINE.to_json()
    until(qtbot, lambda: len(_files()) == 2)  # the new window's own mark and session
    written = load_snapshot(mine.snapshot_file)
    assert (written.paths, written.clip, written.frame) == (tuple(clips), clips[1], 9)
    assert {path for path, _ in written.lines} == {clips[1], clips[2]}
    review.controller.clips.select(2)
    until(qtbot, lambda: is_complete(review) and review.controller.state.clip.path == clips[2])
    assert review.controller.state.roi.to_json() == LINE.to_json()


def test_the_project_is_opened_again_before_its_clips(review, qtbot, clips, mark, tmp_path: Path):
    store = tmp_path / "ward.sqlite"
    AnnotationStore(store).close()
    _leave(Snapshot((clips[0],), clips[0], 3, ((clips[0], LINE),), store))
    mark()
    until(qtbot, review.window.left_strip.isVisible)
    review.window.left_strip.restore.click()
    until(qtbot, lambda: is_complete(review) and review.controller.state.playback.frame == 3)
    assert review.controller.state.project == "ward"
    assert review.controller.project.store == store
    assert review.controller.state.roi.to_json() == LINE.to_json()


def test_dismissed_it_is_gone_and_unanswered_it_waits_for_the_next_window(review, qtbot, clips, mark):
    _leave(Snapshot((clips[0],), clips[0]))
    _leave(Snapshot((clips[1],), clips[1]))
    mark()
    strip = review.window.left_strip
    until(qtbot, strip.isVisible)
    strip.close_button.click()
    assert not strip.isVisible()
    assert review.controller.state.left is None
    assert len([name for name in _files() if name.endswith(".mark")]) == 2, "its own, and the other that waits"
    review.window.close()
    found = claim_left(sessions_dir())
    assert found is not None
    assert found[1].snapshot.paths == (clips[0],)
    found[0].take_away()


def test_a_fault_is_named_and_without_anything_open_nothing_can_be_restored(review, qtbot, clips, mark):
    _leave(Snapshot(), "Fatal Python error: Segmentation fault\n")
    mark()
    strip = review.window.left_strip
    until(qtbot, strip.isVisible)
    assert "by a fault (segmentation fault)" in strip.words.text()
    assert not strip.restore.isVisible()
    assert strip.diagnostics.isVisible()
    assert len(_files()) == 1, "told once: nothing is kept of it but the crash file"


def test_another_living_window_is_no_crash(review, qtbot, mark):
    other = begin_mark(sessions_dir())
    assert other is not None
    save_snapshot(other.snapshot_file, Snapshot((Path("clip.avi"),)))
    mark()
    qtbot.wait(300)
    assert review.controller.state.left is None
    other.take_away()


def test_a_reader_who_has_gone_on_is_not_turned_back(review, qtbot, clips, mark):
    open_clip_in(review, qtbot, clips[0])
    _leave(Snapshot((clips[1], clips[2]), clips[2], 11))
    mark()
    until(qtbot, review.window.left_strip.isVisible)
    review.window.left_strip.restore.click()
    until(qtbot, lambda: review.controller.state.clip.path == clips[2])
    review.controller.clips.select(0)
    until(qtbot, lambda: is_complete(review) and review.controller.state.clip.path == clips[0])
    qtbot.wait(200)
    assert review.controller.state.clip.path == clips[0]
    assert review.controller.session._restoring is None


def test_files_that_are_gone_are_counted_and_the_rest_comes_back(review, qtbot, clips, mark, tmp_path: Path):
    _leave(Snapshot((tmp_path / "gone.avi", clips[0]), tmp_path / "gone.avi", 5))
    mark()
    strip = review.window.left_strip
    until(qtbot, strip.isVisible)
    assert strip.words.text().endswith("1 of its files or folders is no longer there.")
    strip.restore.click()
    until(qtbot, lambda: is_complete(review) and review.controller.state.clip.path == clips[0])
    until(qtbot, lambda: review.controller.session._restoring is None)


def test_the_session_is_written_down_while_it_runs_but_not_at_every_frame(review, qtbot, clips, mark):
    mine = mark()
    open_ready(review, qtbot, *clips)
    review.controller.seek(7)
    drawn = draw(review)
    until(qtbot, lambda: mine.snapshot_file.exists() and (load_snapshot(mine.snapshot_file) or Snapshot()).lines != ())
    written = load_snapshot(mine.snapshot_file)
    assert (written.paths, written.clip, written.frame) == (tuple(clips), clips[0], 7)
    assert written.lines[0][1].to_json() == drawn.to_json()
    before = mine.snapshot_file.stat().st_mtime_ns
    press(review, Key.Key_Space)
    qtbot.wait(1500)
    assert review.controller.state.playback.playing
    assert mine.snapshot_file.stat().st_mtime_ns == before
    review.controller.clips.close_all()
    until(qtbot, lambda: load_snapshot(mine.snapshot_file).paths == ())


def _unsaved(clip: Path, label: str, minute: int = 1) -> UnsavedStatement:
    when = datetime(2026, 1, 2, 3, minute, tzinfo=UTC)
    return UnsavedStatement(clip, "R7", 1, StatementKind.LABEL, "", {"label": label}, when, True, ("ls_p", "motion 2"))


def _labels(store: Path) -> list[tuple[str, str, datetime, bool]]:
    if not store.exists():
        return []
    with AnnotationStore(store) as opened:
        rows = [row for row in opened.history() if row.kind is StatementKind.LABEL]
    return [(row.rater, row.value["label"], row.said_at, row.blind) for row in rows]


def test_what_could_not_be_saved_is_saved_by_the_next_window_in_the_name_of_who_said_it(review, qtbot, clips, mark):
    said = (_unsaved(clips[0], "ls_a"), _unsaved(clips[1], "ls_p", 2))
    _leave(Snapshot((clips[0],), clips[0], unsaved=said))
    mark()
    until(qtbot, lambda: "2 things that you had said before lsgui ended were saved now." in _notice(review))
    assert _labels(labels_file()) == [("R7", "ls_a", said[0].said_at, True), ("R7", "ls_p", said[1].said_at, True)]
    with AnnotationStore(labels_file()) as store:
        assert [note.model for note in store.overrides().values()] == ["motion 2", "motion 2"]
    assert review.window.left_strip.isVisible()
    assert "what was saved is safe" in review.window.left_strip.words.text()
    until(qtbot, lambda: review.controller.session._finder._running is None)
    review.window.close()
    found = claim_left(sessions_dir())
    assert found is not None, "the session itself was not answered"
    assert found[1].snapshot.unsaved == ()
    found[0].take_away()


def test_what_belongs_to_another_project_waits_until_that_is_opened(review, qtbot, clips, mark, tmp_path: Path):
    store = tmp_path / "ward.sqlite"
    _leave(Snapshot((clips[0],), clips[0], store=store, unsaved=(_unsaved(clips[0], "ls_a"),)))
    mark()
    strip = review.window.left_strip
    until(qtbot, strip.isVisible)
    assert strip.words.text().endswith("without being closed; 1 thing said in it waits to be saved.")
    strip.restore.click()
    assert "ward.sqlite is gone" in _notice(review)
    assert strip.isVisible(), "nothing is put back until it can be saved"
    AnnotationStore(store).close()
    strip.restore.click()
    until(qtbot, lambda: "1 thing that you had said before lsgui ended was saved now." in _notice(review))
    assert [label for _, label, *_ in _labels(store)] == ["ls_a"]
    assert _labels(labels_file()) == []
    assert review.controller.project.store == store
    until(qtbot, lambda: len([name for name in _files() if name.endswith(".mark")]) == 1)


def test_where_its_project_cannot_be_opened_what_is_not_saved_is_kept(
    review, qtbot, clips, mark, tmp_path: Path, expected_log_warnings
):
    store = tmp_path / "ward.sqlite"
    store.write_bytes(b"no database")
    _leave(Snapshot((clips[0],), clips[0], store=store, unsaved=(_unsaved(clips[0], "ls_a"),)))
    mine = mark()
    until(qtbot, review.window.left_strip.isVisible)
    review.window.left_strip.restore.click()
    until(qtbot, lambda: is_complete(review) and mine.snapshot_file.exists())
    assert _labels(labels_file()) == []
    review.window.close()
    found = claim_left(sessions_dir())
    assert found is not None
    assert len(found[1].snapshot.unsaved) == 1
    found[0].take_away()


def test_what_is_not_on_the_disk_yet_is_not_let_go_with_the_session(review, qtbot, clips, mark, expected_log_warnings):
    labels_file().write_bytes(b"no database")
    _leave(Snapshot((clips[0],), clips[0], unsaved=(_unsaved(clips[0], "ls_a"),)))
    (left,) = (path for path in sessions_dir().glob("*.json"))
    mine = mark()
    until(qtbot, review.window.left_strip.isVisible)
    review.window.left_strip.restore.click()
    until(qtbot, lambda: is_complete(review) and mine.snapshot_file.exists())
    assert len(load_snapshot(left).unsaved) == 1
    labels_file().unlink()
    review.controller.readings.try_again()
    until(qtbot, lambda: not left.exists())
    assert [label for _, label, *_ in _labels(labels_file())] == ["ls_a"]


def test_put_aside_it_keeps_what_is_not_saved_for_the_next_start(review, qtbot, clips, mark, tmp_path: Path):
    store = tmp_path / "ward.sqlite"
    _leave(Snapshot((clips[0],), store=store, unsaved=(_unsaved(clips[0], "ls_a"),)))
    mark()
    until(qtbot, review.window.left_strip.isVisible)
    review.window.left_strip.close_button.click()
    assert claim_left(sessions_dir()) is None
    review.window.close()
    found = claim_left(sessions_dir())
    assert found is not None
    assert len(found[1].snapshot.unsaved) == 1
    found[0].take_away()


def test_a_label_that_cannot_be_saved_is_part_of_the_session(review, qtbot, clips, mark, expected_log_warnings):
    mine = mark()
    open_ready(review, qtbot, *clips)
    labels_file().write_bytes(b"no database")
    press(review, Key.Key_A)
    until(
        qtbot, lambda: mine.snapshot_file.exists() and (load_snapshot(mine.snapshot_file) or Snapshot()).unsaved != ()
    )
    (waits,) = load_snapshot(mine.snapshot_file).unsaved
    assert (waits.path, waits.rater, waits.value) == (clips[0], "R1", {"label": "ls_a"})
    labels_file().unlink()
    review.controller.readings.try_again()
    until(qtbot, lambda: load_snapshot(mine.snapshot_file).unsaved == ())


def _notice(review: Any) -> str:
    return review.controller.state.notice
