import json
import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI, read_roi_file
from lsgui.imaging.scan_area import find_scan_area, picture_scale
from lsgui.models.preprocess import ClipInput, normalise, prepare_stack, take_window, window_starts
from lsgui.readers.base import open_clip
from lsgui.training.data.augment import augment_flow
from lsgui.training.data.balance import balanced_epoch
from lsgui.training.data.clip_samples import ClipSamples
from lsgui.training.data.dataset_rows import DatasetRow, edited_rows
from lsgui.training.data.sources import read_dataset

DEMO = Path(__file__).resolve().parents[3] / "resources" / "demo"
FRAME = ClipInput("frame", frames=12, size=32)
PLEURA = ClipInput("frame", frames=12, size=32, region="pleura", deviation=True)
FLOW = ClipInput("flow", frames=12, size=32, flow_step=2)
Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetRow, ...]:
    """Forty frames of four demo clips, two called absent, as folders; named as real ones, so that edits can be made."""
    folder = tmp_path_factory.mktemp("clips")
    lines = ["clip,label,patient,source,start,stop,roi"]
    entries = {entry["file"]: entry["roi"] for entry in json.loads((DEMO / "demo.json").read_text())}
    (folder / "roi.json").write_text(json.dumps({Path(name).stem: roi for name, roi in entries.items()}))
    for name, label in (("sliding.mp4", "ls_p"), ("absent.dcm", "ls_a"), ("lung_point.mp4", "ls_p"),
                        ("probe_drift.mp4", "ls_a")):  # fmt: skip
        clip = folder / Path(name).stem
        clip.mkdir()
        for k, frame in enumerate(open_clip(DEMO / name).stack(0, 44)):
            cv2.imwrite(str(clip / f"frame_{k}.png"), frame)
        lines.append(f"{clip.name},{label},{clip.name},a,2,42,roi.json")
    (folder / "dataset.csv").write_text("\n".join(lines) + "\n")
    return read_dataset(folder)


@pytest.fixture(scope="module")
def samples(rows: tuple[DatasetRow, ...]) -> ClipSamples:
    return ClipSamples(rows, FRAME)


class DisFlow:
    """Dense flow of OpenCV in the place of RAFT; remembers what it was fed."""

    def __init__(self) -> None:
        self.fed: list[Floats] = []

    def __call__(self, windows: Floats, step: int) -> Floats:
        self.fed.append(windows)
        frames = windows[0].astype(np.uint8)
        dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        fields = [dis.calc(a, b, None).transpose(2, 0, 1) for a, b in zip(frames, frames[step:], strict=False)]
        return np.stack(fields)[None]


# --- what a sample is -------------------------------------------------------------------------------------------


def test_a_sample_is_what_serving_feeds_the_network(rows: tuple[DatasetRow, ...]) -> None:
    row, spec = rows[0], replace(PLEURA, stabilise=True, mean=0.5, std=7.0)
    clip = open_clip(row.clip)
    area = find_scan_area(clip)
    assert row.roi is not None
    roi = read_roi_file(row.roi, row.clip.name)
    frames = range(row.start, row.start + 40)
    roi = PleuralROI(tuple((k - row.start, roi.line_at(k)) for k in frames))
    whole = clip.stack(row.start, row.stop)
    times = clip.info.times_s[row.start : row.stop]
    stack = prepare_stack(
        spec, whole, (0, 0), times - times[0], roi, picture_scale(clip.info, area).mm_per_px, area.box
    )
    found = ClipSamples([row], spec, every_window=True)
    starts = window_starts(stack.frames.shape[1], spec.frames, 6)
    assert len(found) == len(starts) > 1
    for index, start in enumerate(starts):
        window, absent, of = found.sample(index, 0, augment=False)
        assert np.array_equal(window, normalise(take_window(stack, int(start), spec), spec)[0])
        assert (absent, of) == (float(row.label is SlidingLabel.LS_A), row)
    assert window.shape == (12, 1, 32, 32)
    assert window.dtype == np.float32


def test_a_sample_depends_on_its_arguments_alone(samples: ClipSamples) -> None:
    wanted = [(k, seed) for seed in (3, 4) for k in range(len(samples))]
    once = [samples.sample(k, seed, augment=True)[0] for k, seed in wanted]
    again = [samples.sample(k, seed, augment=True)[0] for k, seed in reversed(wanted)][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))


def test_augmentation_is_as_frequent_as_asked(rows: tuple[DatasetRow, ...], samples: ClipSamples) -> None:
    def changed(odds: float) -> int:
        found = ClipSamples(rows[:1], FRAME, odds=odds)
        pairs = [[found.sample(0, seed, augment)[0] for augment in (False, True)] for seed in range(8)]
        return sum(not np.array_equal(plain, drawn) for plain, drawn in pairs)

    assert changed(0.0) == 0
    assert changed(1.0) == 8


def test_every_epoch_starts_elsewhere(samples: ClipSamples) -> None:
    windows = [samples.sample(0, seed, augment=False)[0] for seed in range(12)]
    assert len({window.tobytes() for window in windows}) > 5
    stack = samples.stack(0)
    possible = {take_window(stack, k, FRAME).tobytes() for k in range(stack.frames.shape[1] - 12 + 1)}
    assert all(window.tobytes() in possible for window in windows)


def test_fault_1_a_still_clip_stays_still_through_training(tmp_path: Path) -> None:
    folder = tmp_path / "still"
    folder.mkdir()
    picture = np.random.default_rng(0).integers(30, 220, (80, 80), dtype=np.uint8)
    for k in range(20):
        cv2.imwrite(str(folder / f"frame_{k}.png"), picture)
    row = DatasetRow(folder, SlidingLabel.LS_A, "p", "s", 0, None, None)
    still = ClipSamples([row], FRAME)
    for seed in range(10):
        window = still.sample(0, seed, augment=True)[0]
        assert np.ptp(window, axis=0).max() == 0.0
        assert window.std() > 10.0  # fault 2: and never blank


def test_statistics_of_training_make_its_windows_standard(rows: tuple[DatasetRow, ...]) -> None:
    for spec in (FRAME, PLEURA):
        training = ClipSamples(rows, spec, every_window=True, step=12)
        mean, std = training.statistics()
        scaled = training.with_statistics(mean, std)
        values = [scaled.sample(k, 0, augment=False)[0] for k in range(len(scaled))]
        assert np.mean(values) == pytest.approx(0.0, abs=0.02)
        assert np.std(values) == pytest.approx(1.0, abs=0.02)
        assert scaled.statistics() == (mean, std)  # they belong to the data, not to the scaling
    assert abs(mean) < 1e-3  # a deviation has no mean of its own


def test_balanced_epochs_and_a_data_loader_take_the_samples_as_they_are(
    samples: ClipSamples, rows: tuple[DatasetRow, ...]
) -> None:
    picked = balanced_epoch(samples.rows, 0)
    loader = torch.utils.data.DataLoader(samples, batch_size=4, sampler=[(k, 9) for k in picked])
    ((windows, absent, which),) = loader
    assert windows.shape == (4, 12, 1, 32, 32)
    assert absent.tolist() == [float(rows[k].absent) for k in picked]
    assert which.tolist() == list(picked)
    assert sum(absent.tolist()) == 2
    with pytest.raises(IndexError):
        samples[len(samples)]


def test_patches_are_drawn_for_training_and_all_judged(rows: tuple[DatasetRow, ...]) -> None:
    spec = ClipInput("patches", frames=12, size=32)
    training, judged = ClipSamples(rows[:1], spec), ClipSamples(rows[:1], spec, every_window=True)
    patches, count = training.stack(0).frames.shape[:2]
    assert patches > 1
    assert len(judged) == patches * len(window_starts(count, 12, 6))
    everything = {judged.sample(k, 0, augment=False)[0].tobytes() for k in range(len(judged))}
    assert len(everything) == len(judged)
    drawn = {training.sample(0, seed, augment=False)[0].tobytes() for seed in range(30)}
    assert len(drawn) > patches


# --- where the pleural line comes from --------------------------------------------------------------------------


def test_without_a_roi_file_the_line_is_looked_for_where_the_input_needs_one(rows: tuple[DatasetRow, ...]) -> None:
    row = rows[0]
    given, found = (ClipSamples([r], PLEURA).stack(0) for r in (row, replace(row, roi=None)))
    assert given.frames.shape == found.frames.shape
    assert not np.array_equal(given.frames, found.frames)
    assert given.line is not None
    assert found.line is not None
    assert abs(given.line[:, 1].mean() - found.line[:, 1].mean()) < 4.0


def test_a_clip_without_a_line_is_left_out_only_where_the_input_needs_one(
    tmp_path: Path, rows: tuple[DatasetRow, ...], expected_log_warnings: list[object]
) -> None:
    folder = tmp_path / "noise"
    folder.mkdir()
    for k in range(20):
        picture = np.random.default_rng(k).integers(0, 60, (90, 90), dtype=np.uint8)
        cv2.imwrite(str(folder / f"frame_{k}.png"), picture)
    noise = DatasetRow(folder, SlidingLabel.LS_P, "p", "s", 0, None, None)
    assert ClipSamples([noise, rows[0]], FRAME).skipped == ()
    found = ClipSamples([noise, rows[0]], PLEURA)
    assert found.rows == (rows[0],)
    ((row, sentence),) = found.skipped
    assert row == noise
    assert "noise: no pleural line is found" in sentence
    assert len(expected_log_warnings) == 1


def test_a_clip_that_cannot_be_read_is_listed_and_fatal_only_when_it_is_the_last(
    tmp_path: Path, rows: tuple[DatasetRow, ...], expected_log_warnings: list[object]
) -> None:
    (tmp_path / "bad.avi").write_bytes(b"RIFF no movie")
    bad = replace(rows[0], clip=tmp_path / "bad.avi", roi=None)
    gone = replace(bad, clip=tmp_path / "gone.avi")
    short = replace(rows[1], start=9999, stop=None)
    found = ClipSamples([bad, gone, rows[0], short], FRAME)
    assert found.rows == (rows[0],)
    assert [row for row, _ in found.skipped] == [bad, gone, short]
    assert all(row.clip.name in sentence for row, sentence in found.skipped)
    assert len(expected_log_warnings) == 3
    with pytest.raises(DatasetError, match=r"bad\.avi"):
        ClipSamples([bad], FRAME)


def test_fault_6_a_small_scan_in_a_large_screen_is_not_lost(shared_clips: Path) -> None:
    roi = shared_clips / "pleura.json"
    row = DatasetRow(shared_clips / "tuke_lumify_l12.mp4", SlidingLabel.LS_P, "p", "s", 15, 30, roi)
    points = read_roi_file(roi, row.clip.name).polyline[:, 0]
    assert 64 * np.ptp(points) / 1280 < 7  # pixels of lung that are left of the whole screen at a size of 64
    for spec, share in ((replace(FRAME, size=64), 0.3), (replace(PLEURA, size=64), 0.95)):
        stack = ClipSamples([row], replace(spec, stabilise=True)).stack(0)
        assert stack.frames.shape == (1, 15, 64, 64)
        assert stack.line is not None
        assert np.ptp(stack.line[:, 0]) > share * 64


# --- what is kept -----------------------------------------------------------------------------------------------


def test_prepared_clips_are_kept_on_disk_until_they_change(rows: tuple[DatasetRow, ...], tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []

    def build(chosen: tuple[DatasetRow, ...], spec: ClipInput = FRAME) -> ClipSamples:
        done.clear()
        return ClipSamples(chosen, spec, tmp_path / "cache", report=lambda k, n: done.append((k, n)))

    first = build(rows[:2]).sample(1, 5, augment=True)[0]
    assert done == [(1, 2), (2, 2)]
    assert np.array_equal(build(rows[:2]).sample(1, 5, augment=True)[0], first)
    assert done == []
    build(rows[:2], replace(FRAME, frames=20, deviation=True, mean=3.0))
    assert done == []  # windows are cut from the same pictures
    build(rows[:2], replace(FRAME, size=24))
    assert done == [(1, 2), (2, 2)]
    build((replace(rows[0], stop=30), rows[1]))
    assert done == [(1, 1)]
    for file in (tmp_path / "cache").glob("*.npz"):
        file.write_bytes(b"PK damaged")
    assert np.array_equal(build(rows[:2]).sample(1, 5, augment=True)[0], first)


def test_a_changed_clip_is_prepared_anew(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()

    def write(value: int) -> None:
        for k in range(14):
            picture = np.random.default_rng(k).integers(value, value + 40, (64, 64), dtype=np.uint8)
            cv2.imwrite(str(folder / f"frame_{k}.png"), picture)

    row = DatasetRow(folder, SlidingLabel.LS_P, "p", "s", 0, None, None)
    write(50)
    before = ClipSamples([row], FRAME, tmp_path / "cache").stack(0).frames.mean()
    write(150)
    after = ClipSamples([row], FRAME, tmp_path / "cache").stack(0).frames.mean()
    assert after - before == pytest.approx(100, abs=5)


def test_worker_processes_make_the_same_stacks(rows: tuple[DatasetRow, ...], samples: ClipSamples) -> None:
    done: list[tuple[int, int]] = []
    parallel = ClipSamples(rows[:2], FRAME, jobs=2, report=lambda k, n: done.append((k, n)))
    assert sorted(done) == [(1, 2), (2, 2)]
    for k in range(2):
        assert np.array_equal(parallel.stack(k).frames, samples.stack(k).frames)


def test_samples_travel_to_other_processes_without_their_pictures(rows: tuple[DatasetRow, ...], tmp_path: Path) -> None:
    kept = ClipSamples(rows[:2], FRAME, tmp_path)
    data = pickle.dumps(kept)
    assert len(data) < 20_000 < kept.stack(0).frames.nbytes
    copy = pickle.loads(data)
    assert np.array_equal(copy.sample(1, 2, augment=True)[0], kept.sample(1, 2, augment=True)[0])


# --- edits ------------------------------------------------------------------------------------------------------


def test_edits_are_added_labelled_and_named(rows: tuple[DatasetRow, ...]) -> None:
    sliding = next(row for row in rows if not row.absent)
    found = ClipSamples([sliding], PLEURA, edits=("frozen", "sham"))
    assert [(r.name, r.label, r.source, r.patient) for r in found.rows] == [
        (sliding.clip.name, "ls_p", "a", sliding.patient),
        (f"{sliding.clip.name} (frozen)", "ls_a", "edited", sliding.patient),
        (f"{sliding.clip.name} (sham)", "ls_p", "edited", sliding.patient),
    ]
    assert [found.sample(k, 0, augment=False)[1] for k in range(3)] == [0.0, 1.0, 0.0]
    original, frozen, sham = (found.stack(k) for k in range(3))
    line = original.line
    assert line is not None
    below, above = slice(int(line[:, 1].max()) + 3, int(line[:, 1].max()) + 13), slice(0, int(line[:, 1].min()) - 4)

    def change(stack: object, part: slice) -> float:
        frames = stack.frames[0, :, part].astype(float)  # type: ignore[attr-defined]
        return float(np.abs(np.diff(frames, axis=0)).mean())

    assert change(frozen, below) < 0.7 * change(original, below)
    assert change(sham, below) > 0.8 * change(original, below)
    assert np.array_equal(frozen.frames[0, :, above], original.frames[0, :, above])


def test_an_edit_that_drifts_takes_its_line_along(rows: tuple[DatasetRow, ...]) -> None:
    sliding = next(row for row in rows if not row.absent)
    found = ClipSamples([sliding], replace(PLEURA, size=64), edits=("frozen_drift",))
    assert found.rows[1].absent
    frames = found.stack(1).frames[0].astype(np.float32)
    steps = [cv2.phaseCorrelate(frames[0], frame, cv2.createHanningWindow((64, 64), cv2.CV_32F))[0] for frame in frames]
    assert np.ptp(np.array(steps), axis=0).max() < 4.0  # pixels; 9 with the line left behind


def test_edits_are_made_of_real_sliding_clips_only(rows: tuple[DatasetRow, ...]) -> None:
    for source in ("simulated", "edited"):
        others = tuple(replace(row, source=source) for row in rows)
        assert edited_rows(others, ("hard",)) == others
    absent = tuple(row for row in rows if row.absent)
    assert edited_rows(absent, ("hard",)) == absent
    with pytest.raises(DatasetError, match="There is no edit 'melted'"):
        ClipSamples(rows, FRAME, edits=("melted",))  # type: ignore[arg-type]


# --- flow -------------------------------------------------------------------------------------------------------


def test_fault_4_flow_is_made_of_grey_values_and_only_once(rows: tuple[DatasetRow, ...], tmp_path: Path) -> None:
    flow = DisFlow()
    spec = replace(FLOW, mean=70.0, std=40.0)
    found = ClipSamples(rows[:1], spec, tmp_path, flow=flow, flow_name="dis")
    starts = window_starts(found.stack(0).frames.shape[1], 12, 6)
    window, _, _ = found.sample(0, 1, augment=False)
    assert window.shape == (10, 2, 32, 32)
    assert window.dtype == np.float32
    for seed in range(40):
        found.sample(0, seed, augment=True)
    assert len(flow.fed) == len(starts)  # as many as there are windows, however many epochs
    stack = found.stack(0)
    possible = [take_window(stack, int(start), spec) for start in starts]
    assert all(any(np.array_equal(fed, window) for window in possible) for fed in flow.fed)
    assert max(float(fed.max()) for fed in flow.fed) > 100.0  # grey values, not standard scores
    again = DisFlow()
    ClipSamples(rows[:1], spec, tmp_path, flow=again, flow_name="dis").make_flow()
    assert again.fed == []
    ClipSamples(rows[:1], spec, tmp_path, flow=again, flow_name="other weights").make_flow()
    assert len(again.fed) == len(starts)


def test_flow_made_ahead_is_that_of_each_window_and_costs_no_pair_twice(rows: tuple[DatasetRow, ...]) -> None:
    flow = DisFlow()
    ahead, single = ClipSamples(rows[:1], FLOW, flow=flow), ClipSamples(rows[:1], FLOW, flow=DisFlow())
    done: list[tuple[int, int]] = []
    ahead.make_flow(lambda k, n: done.append((k, n)))
    count = ahead.stack(0).frames.shape[1]
    starts = window_starts(count, 12, 6)
    assert done == [(k + 1, len(starts)) for k in range(len(starts))]
    assert sum(fed.shape[1] - 2 for fed in flow.fed) == count - 2  # pairs two frames apart, each once
    for start in starts:
        assert np.array_equal(ahead.flow_of(0, int(start)), single.flow_of(0, int(start)))


def test_flow_is_augmented_with_its_vectors(rows: tuple[DatasetRow, ...]) -> None:
    found = ClipSamples(rows[:1], FLOW, flow=DisFlow())
    rng = np.random.default_rng((7, 0))
    start = int(rng.choice(window_starts(found.stack(0).frames.shape[1], 12, 6)))
    rng.integers(1)  # the square
    assert np.array_equal(found.sample(0, 7, augment=True)[0], augment_flow(found.flow_of(0, start), rng))


def test_patches_of_flow_follow_the_line(rows: tuple[DatasetRow, ...]) -> None:
    spec = ClipInput("flow", frames=12, size=64, patch=16)
    found = ClipSamples(rows[:1], spec, flow=DisFlow(), every_window=True)
    stack = found.stack(0)
    squares = len(found) // len(window_starts(stack.frames.shape[1], 12, 6))
    assert squares > 1
    window = found.sample(1, 0, augment=False)[0]
    assert window.shape == (11, 2, 16, 16)
    flow = found.flow_of(0, 0)
    places = [(y, x) for y in range(49) for x in range(49) if np.array_equal(flow[..., y : y + 16, x : x + 16], window)]
    assert stack.line is not None
    assert any(y + 16 > stack.line[:, 1].min() for y, _ in places)
    for seed in range(10):
        assert found.sample(1, seed, augment=True)[0].shape == (11, 2, 16, 16)


def test_samples_of_flow_need_something_that_makes_it(rows: tuple[DatasetRow, ...]) -> None:
    with pytest.raises(ValueError, match="computes flow"):
        ClipSamples(rows, FLOW)
