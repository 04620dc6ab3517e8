"""The contract of `ClipReader` and `FrameSource`, held over every reader and every kind of clip."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from reader_samples import HEIGHT, ONE_OF_EACH, SAMPLES, WIDTH, number_in, numbered_frames

from lsgui.core.errors import CancelledError
from lsgui.readers.base import ReadOptions, clip_readers, is_clip, open_clip, open_source
from lsgui.readers.frame_store import GrowingFrames

ALL = pytest.mark.parametrize("name", SAMPLES)
EACH = pytest.mark.parametrize("name", ONE_OF_EACH)


def test_every_reader_has_samples():
    assert {name.split("/")[0] for name in SAMPLES} == set(clip_readers()), "a new reader needs a row in SAMPLES"
    assert {name.split("/")[0] for name in ONE_OF_EACH} == set(clip_readers())


@ALL
def test_frame_k_is_exactly_frame_k(name, sample):
    truth = numbered_frames(SAMPLES[name].frames)
    clip = open_clip(sample(name))
    assert len(clip) == clip.info.frames == len(truth)
    assert (clip.info.width, clip.info.height) == (WIDTH, HEIGHT)
    for k in range(len(clip)):
        frame = clip.frame(k)
        assert number_in(frame) == k
        assert np.abs(frame.astype(int) - truth[k]).max() <= SAMPLES[name].tolerance


@ALL
def test_frames_are_read_only_bytes_of_the_size_that_was_said(name, sample):
    with open_source(sample(name)) as source:
        for frame in source:
            assert frame.dtype == np.uint8
            assert frame.shape == (source.info.height, source.info.width)
            assert not frame.flags.writeable


@ALL
def test_random_access_equals_decoding_in_order(name, sample):
    with open_source(sample(name)) as source:
        in_order = list(source)
    clip = open_clip(sample(name), budget_bytes=3 * WIDTH * HEIGHT)
    for k in np.random.default_rng(1).permutation(len(clip)):
        assert (clip.frame(int(k)) == in_order[k]).all()
    with pytest.raises(IndexError):
        clip.frame(len(clip))
    with pytest.raises(IndexError):
        clip.frame(-1)


@ALL
def test_info_agrees_from_first_to_last(name, sample):
    with open_source(sample(name)) as source:
        before = source.info
        count = sum(1 for _ in source)
        after = source.final_info()
    assert after.frames == count
    assert (before.width, before.height, before.format) == (after.width, after.height, after.format)
    assert before.format == name.split("/")[0]
    assert before.path == after.path == sample(name)
    assert after.note == ""
    assert after.fps == pytest.approx(25.0, rel=0.01)
    assert after.duration_s == pytest.approx(count / 25.0, rel=0.01)
    assert after.times_s[0] == 0.0
    assert (np.diff(after.times_s) > 0).all()


@ALL
def test_a_clip_is_known_by_its_content_alone(name, sample, tmp_path):
    path = sample(name)
    if path.is_dir():
        assert is_clip(path)
        return
    bare = tmp_path / "1.2.840.113619"
    bare.write_bytes(path.read_bytes())
    assert is_clip(bare) or SAMPLES[name].tolerance is None
    disguised = tmp_path / "clip.gif" if path.suffix != ".gif" else tmp_path / "clip.mp4"
    disguised.write_bytes(path.read_bytes())
    assert open_clip(disguised).info.format == name.split("/")[0]


@EACH
@pytest.mark.parametrize(
    "called", ["Übung läuft.x", "肺 滑动.x", 'it\'s a "clip".x', "100 % %d %03d.x", "a#b&c;d.x", "file:odd.x", ".x"]
)
def test_names_with_spaces_quotes_and_other_alphabets(name, called, sample, tmp_path):
    path = sample(name)
    if sys.platform == "win32" and set(called) & set('":%'):
        called = called.replace('"', "").replace(":", "")
    there = tmp_path / called.replace(".x", path.suffix)
    if path.is_dir():
        there = tmp_path / called
        there.mkdir()
        for picture in path.iterdir():
            (there / picture.name).write_bytes(picture.read_bytes())
    else:
        there.write_bytes(path.read_bytes())
    assert number_in(open_clip(there).frame(13)) == 13


@EACH
def test_another_thread_reads_while_the_clip_still_grows(name, sample):
    truth = [open_clip(sample(name)).frame(k) for k in range(SAMPLES[name].frames)]
    wrong, done = [], threading.Event()
    with open_source(sample(name)) as source:
        store = GrowingFrames(HEIGHT, WIDTH, 5 * HEIGHT * WIDTH)

        def look() -> None:
            while not done.is_set():
                for k in range(len(store)):
                    if not (store.frame(k) == truth[k]).all():
                        wrong.append(k)

        watchers = [threading.Thread(target=look) for _ in range(2)]
        for watcher in watchers:
            watcher.start()
        for frame in source:
            store.append(frame)
        done.set()
        for watcher in watchers:
            watcher.join()
    assert not wrong
    assert len(store) == len(truth)
    assert store.spilled == len(truth) - 5
    store.close()


@EACH
def test_cancel_is_asked_before_every_frame(name, sample):
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 7

    with pytest.raises(CancelledError):
        open_clip(sample(name), cancelled=cancelled)
    assert len(asked) == 8


@EACH
def test_a_closed_source_lets_go_of_its_file(name, sample, tmp_path):
    path = sample(name)
    if path.is_dir():
        copy = tmp_path / "copy"
        copy.mkdir()
        for picture in path.iterdir():
            (copy / picture.name).write_bytes(picture.read_bytes())
    else:
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
    source = open_source(copy)
    next(source)
    source.close()
    source.close()
    assert next(source, None) is None
    copy.rename(tmp_path / "moved")  # Windows refuses while a handle is open


@EACH
def test_the_users_rate_replaces_that_of_the_file(name, sample):
    info = open_clip(sample(name), options=ReadOptions(fps=12.5)).info
    assert (info.fps, info.fps_source, info.frame_times_s) == (12.5, "given", None)


@EACH
def test_decoding_is_the_same_twice_and_at_once(name, sample):
    truth = open_clip(sample(name)).stack()
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(open_clip(sample(name)).stack())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert all((result == truth).all() for result in results)


@pytest.mark.parametrize("rate", [0.0, -25.0, float("nan"), float("inf"), 1e6])
def test_a_rate_that_cannot_be_is_a_mistake(rate):
    with pytest.raises(ValueError, match="frames per second"):
        ReadOptions(fps=rate)


def test_the_table_of_readers_loads_no_decoder():
    code = (
        "import sys; from lsgui.readers.base import clip_suffixes, is_clip, find_clips; from pathlib import Path;"
        "assert '.dcm' in clip_suffixes() and '.webm' in clip_suffixes(); is_clip(Path('.')); find_clips(Path('.ci'));"
        "loaded = {'cv2', 'pydicom', 'PIL', 'torch', 'PySide6'} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
