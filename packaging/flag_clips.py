"""Clips with one fault of known strength, and the same clips without it: what measure_flags.py judges.

Every clip comes from a base: one that the simulator draws anew for the seed, or a recorded one from the folder of
shared clips. Each is written to disk as a scanner, a messenger or a screen recorder would write it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pydicom

from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.imaging.scan_area import find_scan_area
from lsgui.imaging.square_cutter import wall_in_pixels
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.readers.base import open_clip
from lsgui.simulation import ClipSpec, random_spec, simulate_clip
from lsgui.simulation.clip_files import ClipContent, write_clip
from lsgui.simulation.corruption import frames_at_rate
from lsgui.simulation.dicom_writer import write_dicom
from lsgui.simulation.spec import Scenario

Frames = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

CODECS = ("mjpeg", "h264-23", "h264-32", "mpeg4", "mpeg2")
_STANDARD_RATES = (Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(30))
"""MPEG-2 knows no others that a scanner uses."""


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A clip before a fault is put in.

    Attributes
    ----------
    frames, fps, mm_per_px
        (T, H, W) uint8 at a rate and scale.
    roi
        Its pleural line; None where no line is known.
    inside
        (H, W) bool: where the picture is scanned.
    wall_px
        (T, 2) place of the chest wall, for edits of recorded clips.
    motion
        "still", "drift" or "sweep": what the probe does.
    """

    name: str
    frames: Frames
    fps: float
    mm_per_px: float
    roi: PleuralROI | None
    inside: npt.NDArray[np.bool_] | None = None
    wall_px: Floats | None = None
    motion: str = "still"


def spec_of(
    seed: int, index: int, label: SlidingLabel, scenario: Scenario, seconds: float = 5.0, **motion: object
) -> ClipSpec:
    """Return a random clip of a scenario with no repeated and no black frames, and with a given motion."""
    spec = random_spec(np.random.default_rng([seed, index, len(scenario)]), label, scenario)
    return replace(
        spec,
        picture=replace(spec.picture, seconds=seconds),
        motion=replace(spec.motion, **motion),
        scanner=replace(spec.scanner, repeat_every=0, black_lead_in=0),
    )


def still_probe() -> dict[str, object]:
    """Return what makes the hand hold still and the heart silent."""
    return {"drift_mm_s": (0.0, 0.0), "sway_mm": 0.0, "tilt_slices": 0.0, "pulse_mm": 0.0}


def made(spec: ClipSpec, seed: int, name: str) -> Base:
    """Return a simulated clip as a base."""
    clip = simulate_clip(spec, seed)
    return Base(name, clip.frames, clip.fps, clip.mm_per_px, clip.roi)


def any_simulated(seed: int, count: int) -> Iterator[Base]:
    """Yield simulated clips, sliding and absent in turn, of every scenario that has no fault of its own."""
    present: tuple[Scenario, ...] = ("sliding", "shallow", "b_lines", "white_lung")
    absent: tuple[Scenario, ...] = ("absent", "lung_pulse", "b_lines", "white_lung")
    for index in range(count):
        label = SlidingLabel.LS_P if index % 2 else SlidingLabel.LS_A
        scenario = (present if index % 2 else absent)[index // 2 % 4]
        seconds = float(np.random.default_rng([seed, index, 9]).uniform(4.0, 6.0))
        yield made(spec_of(seed, index, label, scenario, seconds), seed + index, f"sim{index:03d}")


def recorded_names(folder: Path, *, lines: bool) -> list[str]:
    """Return the names of the shared clips: with `lines` of those whose line and usable frames are known."""
    entries = json.loads((folder / "pleura.json").read_text(encoding="utf-8"))
    return [name for name, entry in entries.items() if entry["usable"] or not lines]


def recorded_clip(folder: Path, name: str, *, lines: bool) -> Base:
    """Return a shared clip, 6 s at most of its usable frames with their line, or 5 s at most without one."""
    entry = json.loads((folder / "pleura.json").read_text(encoding="utf-8"))[name]
    clip = open_clip(folder / name)
    start, stop = entry["window"][0], min(entry["window"][1] + 1, len(clip))
    stop = min(stop, start + round((6.0 if lines else 5.0) * clip.info.fps))
    frames, scale, fps = clip.stack(start, stop), float(entry["mm_per_px"]), clip.info.fps
    base = Base(Path(name).stem, frames, fps, scale, None, find_scan_area(clip).mask, motion=entry["motion"])
    if not lines:
        return base
    line = PleuralROI.from_json(entry)
    keys = sorted({start, *(k for k, _ in line.keyframes if start < k < stop)})
    roi = PleuralROI(tuple((k - start, line.line_at(k)) for k in keys), "file")
    strip = cut_strip(frames, (0, 0), np.arange(len(frames)) / fps, roi, scale, False)
    return replace(base, roi=roi, wall_px=wall_in_pixels(strip, roi, scale))


# --- files ------------------------------------------------------------------------------------------------------


def write(stem: Path, base: Base, codec: str) -> Path:
    """Write a clip in one of `CODECS`, or as "dicom", "dicom-untimed" or "png", and return its path."""
    if codec.startswith("dicom"):
        return _dicom(stem, base, timed=codec == "dicom")
    if codec in ("mjpeg", "png"):
        height, width = base.frames.shape[1:]
        content = ClipContent(base.frames, base.fps, base.mm_per_px, (0, 0, width, height))
        return write_clip(stem, content, "TEST", "avi" if codec == "mjpeg" else "png")
    return _coded(stem, base, codec)


def _dicom(stem: Path, base: Base, *, timed: bool) -> Path:
    path = stem.with_name(stem.name + ".dcm")
    height, width = base.frames.shape[1:]
    write_dicom(path, base.frames, base.fps, base.mm_per_px, (0, 0, width, height))
    if not timed:
        data = pydicom.dcmread(path)
        for keyword in ("FrameTime", "FrameIncrementPointer", "CineRate"):
            delattr(data, keyword)
        data.save_as(path)
    return path


def _coded(stem: Path, base: Base, codec: str) -> Path:
    name, _, crf = codec.partition("-")
    path = stem.with_name(stem.name + (".mpg" if name == "mpeg2" else ".mp4"))
    frames = np.pad(base.frames, ((0, 0), (0, base.frames.shape[1] % 2), (0, base.frames.shape[2] % 2)), mode="edge")
    rate = Fraction(base.fps).limit_denominator(1000)
    if name == "mpeg2":
        rate = min(_STANDARD_RATES, key=lambda known: abs(known - rate))
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream({"h264": "libx264", "mpeg4": "mpeg4", "mpeg2": "mpeg2video"}[name], rate=rate)
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        if crf:
            stream.options = {"crf": crf, "preset": "veryfast"}
        else:
            stream.bit_rate = 2_000_000
        for frame in frames:
            movie.mux(
                stream.encode(
                    av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "gray").reformat(format="yuv420p")
                )
            )
        movie.mux(stream.encode())
    return path


# --- faults -----------------------------------------------------------------------------------------------------


def cut_to(base: Base, seconds: float) -> Base:
    """Return the first seconds of a clip."""
    return replace(base, frames=base.frames[: max(round(seconds * base.fps), 2)])


def at_rate(base: Base, rate: float) -> Base:
    """Return a clip of the frames that a recorder of this rate keeps; a slower one is played faster than it was."""
    times = np.arange(len(base.frames)) / base.fps
    frames = base.frames[frames_at_rate(times, rate)] if rate < base.fps else base.frames
    return replace(base, frames=frames, fps=rate)


def repeating(base: Base, pattern: str, rng: np.random.Generator) -> Base:
    """Return a clip of as many frames in which some repeat the one before.

    "every 2nd", "every 3rd": that one repeats; "25 %", "15 %": so many, at random; "doubled": all frames twice at twice
    the rate; "none".
    """
    count = len(base.frames)
    shown = np.arange(count)
    if pattern.startswith("every"):
        step = int(pattern[6])
        shown = shown - (shown % step == step - 1)
    elif pattern.endswith("%"):
        repeats = np.sort(rng.choice(np.arange(1, count), round(int(pattern[:-2]) / 100 * count), replace=False))
        shown[repeats] = -1
        shown = np.maximum.accumulate(shown)
    elif pattern == "doubled":
        return replace(base, frames=np.repeat(base.frames[: count // 2 + 1], 2, axis=0), fps=2 * base.fps)
    return replace(base, frames=base.frames[shown])


def frozen(base: Base, kind: str, rng: np.random.Generator) -> Base:
    """Return a still picture as a clip.

    "plain": alike to the last bit; "noise": with the grain that a screen recorder leaves; "clock", "cursor": and a
    clock that counts, a mark that blinks, in a margin below the picture.
    """
    height, width = base.frames.shape[1:]
    still = np.pad(base.frames[len(base.frames) // 2], ((0, 26), (0, 0)))
    frames = np.repeat(still[None], len(base.frames), axis=0)
    for index, frame in enumerate(frames):
        if kind == "clock":
            words = f"12:00:{index / base.fps:05.2f}"
            cv2.putText(frame, words, (6, height + 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 220, 1, cv2.LINE_AA)
        elif kind == "cursor" and int(2 * index / base.fps) % 2:
            frame[height + 4 : height + 20, width // 2 : width // 2 + 10] = 230
    if kind == "noise":
        grain = rng.normal(0.0, 1.0, frames.shape)
        frames = np.clip(np.rint(frames + grain), 0, 255).astype(np.uint8)
    return replace(base, frames=frames)


def lost(base: Base, kind: str, other: Base, rng: np.random.Generator) -> Base:
    """Return a clip whose chest wall cannot be followed.

    "cut": another clip from the middle on; "lifted": a third of it shows no tissue, only the ringing of air; "noise":
    so much receiver noise that no speckle is seen again; "flicker": every third frame is of another clip.
    """
    frames = base.frames.copy()
    count, height, width = frames.shape
    fitted = [cv2.resize(other.frames[k % len(other.frames)], (width, height)) for k in range(count)]
    if kind == "cut":
        frames[count // 2 :] = fitted[count // 2 :]
    elif kind == "lifted":
        away = slice(count // 3, 2 * count // 3)
        rows = np.exp(-np.arange(height) / (0.08 * height))[None, :, None] * 200
        frames[away] = np.clip(rows + rng.normal(0, 12, frames[away].shape), 0, 255).astype(np.uint8)
    elif kind == "noise":
        frames = np.clip(0.3 * frames + rng.normal(60, 55, frames.shape), 0, 255).astype(np.uint8)
    elif kind == "flicker":
        frames[::3] = fitted[::3]
    return replace(base, frames=frames)


def gained(base: Base, decibel: float, moment: float = 0.0) -> Base:
    """Return a clip whose gain is other from a moment (0 to 1 of the clip) on, at the usual range of 55 dB."""
    grey = np.arange(256)
    table = np.clip(grey + decibel * 255 / 55 * np.minimum(grey / 8, 1.0), 0, 255).astype(np.uint8)
    frames = base.frames.copy()
    frames[round(moment * len(frames)) :] = table[frames[round(moment * len(frames)) :]]
    return replace(base, frames=frames)


def moved(base: Base, shift_mm: Floats) -> Base:
    """Return a clip whose whole picture moves by (T, 2) millimetres, as under a probe that slides; the line with it."""
    assert base.roi is not None
    shift = shift_mm / base.mm_per_px
    frames = np.empty_like(base.frames)
    for index, frame in enumerate(base.frames):
        matrix = np.array([[1.0, 0.0, shift[index, 0]], [0.0, 1.0, shift[index, 1]]])
        size = (frame.shape[1], frame.shape[0])
        frames[index] = cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    if base.inside is not None:
        frames = np.where(base.inside, frames, base.frames)
    keys = sorted({*range(0, len(frames), 3), len(frames) - 1})
    return replace(
        base, frames=frames, roi=PleuralROI(tuple((k, base.roi.line_at(k) + shift[k]) for k in keys), "file")
    )


def hand(count: int, fps: float, speed_mm_s: float, rng: np.random.Generator) -> Floats:
    """Return the path of a hand that moves the probe to and fro along the skin at a mean speed, (T, 2) mm."""
    times = np.arange(count) / fps
    sway = np.sin(2 * np.pi * (rng.uniform(0.15, 0.5) * times + rng.random()))
    drift = times - times.mean()
    path = drift * rng.choice([-1.0, 1.0]) + rng.uniform(0.5, 2.0) * sway
    path *= speed_mm_s / np.abs(np.gradient(path, times)).mean()
    return np.stack([path, 0.15 * path], axis=1) + rng.normal(0.0, 0.03, (count, 2))


def pulse(rng: np.random.Generator) -> dict[str, object]:
    """Return a heart of 50 to 110 beats a minute that jerks the lung by 0.2 to 0.5 mm."""
    return {"pulse_hz": float(rng.uniform(50, 110) / 60), "pulse_mm": float(rng.uniform(0.2, 0.5))}
