"""The cases of measure_misuse.py: clips that are no lung the right way up, by kind and by what they are made of.

"simulated" clips come from the simulator's physics with other anatomy, or with a lung that is turned or coloured;
"drawn" ones (slides, menus, rooms, test patterns) from nothing; "edited" ones are shared clips, or photographs, that
are turned, coloured, held or moved; "recorded" ones are as they are. They never count in one figure. Nothing is drawn
from a seed alone: kind and number are part of it, so that another seed shares no clip.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.imaging.usable_range import usable_range
from lsgui.readers.base import open_clip
from lsgui.simulation import other_organs as organs
from lsgui.simulation import other_pictures as pictures
from lsgui.simulation import other_scenes as scenes
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.draw import random_spec
from lsgui.simulation.other_scenes import OtherClip

Frames = npt.NDArray[np.uint8]
SECONDS = (2.6, 3.3)
EDITED_S = 4.0
"""Length of made and of edited clips."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One clip: what it is, what it is made of, from which recording or which number, and how to get it."""

    kind: str
    source: str
    origin: str
    make: Callable[[], Clip]

    @property
    def name(self) -> str:
        """What no other clip of the seed is called."""
        return f"{self.source}, {self.kind}, {self.origin}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make: a seed, how many clips a kind, the folder of shared clips and one of recorded clips of no lung."""

    seed: int
    count: int
    shared: Path | None = None
    others: Path | None = None

    def rng(self, kind: str, index: int) -> np.random.Generator:
        """Return a source of randomness that seed, kind and number name."""
        return np.random.default_rng([self.seed, index, *kind.encode()])


def lung(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a simulated lung of any scenario."""
    spec = random_spec(rng)
    spec = replace(
        spec,
        picture=replace(spec.picture, seconds=seconds),
        scanner=replace(spec.scanner, repeat_every=0, black_lead_in=0),
    )
    made = simulate_clip(spec, int(rng.integers(2**31)))
    return OtherClip(made.frames, made.fps, made.mm_per_px)


def upside_down(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a lung with the probe below."""
    clip = lung(rng, seconds)
    return replace(clip, frames=np.ascontiguousarray(clip.frames[:, ::-1]))


def quarter_turn(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a lung with the probe at the side."""
    clip = lung(rng, seconds)
    return replace(clip, frames=np.ascontiguousarray(np.rot90(clip.frames, int(rng.choice([1, 3])), axes=(1, 2))))


def coloured(clip: OtherClip, rng: np.random.Generator) -> OtherClip:
    """Return a grey clip with colour flow in a part of its picture."""
    height, width = clip.frames.shape[1:]
    w, h = (int(s * rng.uniform(0.35, 0.7)) for s in (width, height))
    box = int(rng.integers(0, width - w)), int(rng.integers(height // 8, max(height - h, height // 8 + 1))), w, h
    box = (*box[:3], min(h, height - box[1]))
    return replace(clip, frames=pictures.colour_flow(clip.frames, rng, box))


def colour_on_lung(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a lung under colour flow."""
    return coloured(lung(rng, seconds), rng)


def colour_on_organ(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a heart, an artery or a liver under colour flow."""
    make = (scenes.apical_heart, scenes.parasternal_heart, organs.vessel, organs.liver)[int(rng.integers(4))]
    return coloured(make(rng, seconds), rng)


def still(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return one frame of a lung again and again, with or without the grain of a cable."""
    clip = lung(rng, seconds)
    held = np.repeat(clip.frames[len(clip.frames) // 2][None], len(clip.frames), axis=0)
    if rng.random() < 0.5:
        held = np.clip(np.rint(held + rng.normal(0, 0.9, held.shape)), 0, 255).astype(np.uint8)
    return replace(clip, frames=held)


def softened(
    make: Callable[[np.random.Generator, float], OtherClip], rng: np.random.Generator, seconds: float
) -> OtherClip:
    """Return a clip as a scanner shows it that smooths, that fades to the sides and below, or that is set dark."""
    clip = make(rng, seconds)
    height, width = clip.frames.shape[1:3]
    scale, blur = rng.uniform(1.0, 1.8), rng.uniform(0.6, 2.2)
    size = int(width * scale) // 2 * 2, int(height * scale) // 2 * 2
    y, x = np.linspace(0, 1, size[1])[:, None], np.linspace(-1, 1, size[0])[None]
    shade = 1.0 + rng.uniform(0.0, 0.8) * np.exp(-y / rng.uniform(0.1, 0.4)) - rng.uniform(0.0, 0.5) * y
    shade = np.clip(shade * (1.0 - rng.uniform(0.0, 0.8) * np.abs(x) ** 2), 0.05, 2.0)
    gamma, gain, kept = rng.uniform(0.9, 1.7), rng.uniform(0.5, 1.1), rng.uniform(0.0, 0.5)
    out: list[Frames] = []
    last = None
    for frame in clip.frames:
        now = cv2.GaussianBlur(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), (0, 0), blur * scale / 1.4)
        now = 255.0 * gain * (now / 255.0) ** gamma * shade
        last = now if last is None else kept * last + (1.0 - kept) * now
        out.append(np.clip(np.rint(last), 0, 255).astype(np.uint8))
    pitch = None if clip.mm_per_px is None else clip.mm_per_px * width / size[0]
    return replace(clip, frames=np.stack(out), mm_per_px=pitch)


def grey_room(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a room as a grey camera sees it."""
    clip = pictures.room(rng, seconds)
    return replace(clip, frames=np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip.frames]))


SIMULATED = {
    "phantom, still": scenes.still_phantom, "phantom, moving": scenes.moving_phantom,
    "heart, apical": scenes.apical_heart, "heart, parasternal": scenes.parasternal_heart,
    "liver": organs.liver, "kidney": organs.kidney, "bladder": organs.bladder, "vessel": organs.vessel,
    "eye": organs.eye, "bone": organs.bone, "muscle": organs.muscle, "no contact": organs.no_contact,
    "M-mode sweep": pictures.sweep, "upside down": upside_down, "quarter turn": quarter_turn,
    "colour on lung": colour_on_lung, "colour on organ": colour_on_organ, "still image": still,
}  # fmt: skip
TISSUE = frozenset(SIMULATED) - {"M-mode sweep", "colour on lung", "colour on organ", "still image"}
"""Kinds that are also shown as another scanner shows them."""
SOFT = 1000
DRAWN = {
    "text slides": pictures.slides, "menus": pictures.menus, "room and face": pictures.room,
    "room and face, grey": grey_room,
    "test pattern": pictures.pattern, "black": pictures.black,
}  # fmt: skip


def cases(plan: Plan) -> Iterator[Case]:
    """Yield every case of a plan."""
    for source, kinds in (("simulated", SIMULATED), ("drawn", DRAWN)):
        for kind, make in kinds.items():
            for index in range(plan.count):
                yield Case(kind, source, str(index), partial(_shown, make, plan.rng(kind, index)))
            for index in range(plan.count // 2 if kind in TISSUE else 0):
                rng = plan.rng(kind, SOFT + index)
                yield Case(kind, source, f"soft {index}", partial(_shown, partial(softened, make), rng))
    yield from edited(plan)
    yield from recorded(plan)


def _shown(make: Callable[[np.random.Generator, float], OtherClip], rng: np.random.Generator) -> Clip:
    return as_clip(make(rng, float(rng.uniform(*SECONDS))), rng)


def edited(plan: Plan) -> Iterator[Case]:
    """Yield shared clips that are turned, coloured, held or cut together, and photographs under a moving camera."""
    if plan.shared is not None:
        names = sorted(json.loads((plan.shared / "pleura.json").read_text(encoding="utf-8")))
        for at, name in enumerate(names):
            for kind, edit in EDITS.items():
                other = names[(at + 5) % len(names)]
                yield Case(kind, "edited", name, partial(_edited, plan, name, other, edit, plan.rng(kind, at)))
    for at, file in enumerate(photographs()):
        for index in range(max(plan.count // 4, 1)):
            rng = plan.rng("photograph", 100 * at + index)
            yield Case("photograph", "edited", f"{file.stem} {index}", partial(_photo, file, rng))


def photographs() -> list[Path]:
    """Return the photographs that come with matplotlib and scikit-learn."""
    import matplotlib as mpl
    import sklearn.datasets

    folder = Path(sklearn.datasets.__file__).parent / "images"
    return [
        folder / "china.jpg",
        folder / "flower.jpg",
        Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg",
    ]


def _photo(file: Path, rng: np.random.Generator) -> Clip:
    photo = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
    clip = pictures.room(rng, float(rng.uniform(*SECONDS)), photo)
    if rng.random() < 0.5:  # a grey camera leaves no colour to see
        clip = replace(clip, frames=np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip.frames]))
    return as_clip(clip, rng)


Edit = Callable[[Frames, Frames, np.random.Generator], Frames]


def _slide_show(frames: Frames, other: Frames, rng: np.random.Generator) -> Frames:
    """Return single frames of two clips in turn, half a second each, with a fade between."""
    fitted = np.stack([cv2.resize(f, frames.shape[:0:-1]) for f in other])
    hold = int(rng.integers(8, 20))
    out = []
    for k in range(len(frames)):
        pair = [
            (frames if n % 2 else fitted)[(n * 37) % min(len(frames), len(fitted))] for n in (k // hold, k // hold + 1)
        ]
        part = float(np.clip((k % hold - 0.7 * hold) / (0.3 * hold), 0, 1))
        out.append(cv2.addWeighted(pair[0], 1 - part, pair[1], part, 0))
    return np.stack(out)


EDITS: dict[str, Edit] = {
    "upside down": lambda frames, _, __: frames[:, ::-1],
    "quarter turn": lambda frames, _, rng: np.rot90(frames, int(rng.choice([1, 3])), axes=(1, 2)),
    "colour": lambda frames, _, rng: coloured(OtherClip(frames[:60], 25.0), rng).frames,
    "still image": lambda frames, _, __: np.repeat(frames[len(frames) // 2][None], len(frames), axis=0),
    "slide show": _slide_show,
}


def _edited(plan: Plan, name: str, other: str, edit: Edit, rng: np.random.Generator) -> Clip:
    assert plan.shared is not None
    (frames, fps), (others, _) = (_first_seconds(plan.shared / file) for file in (name, other))
    return as_clip(OtherClip(np.ascontiguousarray(edit(frames, others, rng)), fps), rng)


@lru_cache(maxsize=8)
def _first_seconds(path: Path) -> tuple[Frames, float]:
    """Return the first seconds of a clip that show an image, and its rate."""
    clip = open_clip(path)
    first = usable_range(clip)[0]
    return clip.stack(first, first + round(EDITED_S * clip.info.fps)), clip.info.fps


def recorded(plan: Plan) -> Iterator[Case]:
    """Yield the recorded clips of no lung, as they are."""
    if plan.others is not None:
        for path in sorted(plan.others.iterdir()):
            yield Case(path.stem, "recorded", path.name, partial(open_clip, path))


def as_clip(made: OtherClip, rng: np.random.Generator) -> Clip:
    """Return a made clip as the program would read it: colour through a file, grey as it is, every other calibrated."""
    even = made.frames[:, : made.frames.shape[1] // 2 * 2, : made.frames.shape[2] // 2 * 2]
    if even.ndim == 4:
        return _through_file(np.ascontiguousarray(even), made.fps)
    count, height, width = even.shape
    known = made.mm_per_px is not None and rng.random() < 0.5
    spacing = (made.mm_per_px, made.mm_per_px) if known and made.mm_per_px is not None else None
    info = ClipInfo(Path("made.avi"), "movie", count, width, height, made.fps, "container", spacing_mm=spacing)
    return Clip(info, MemoryFrames(np.ascontiguousarray(even)))


def _through_file(frames: Frames, fps: float) -> Clip:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.mp4"
        write_colour(path, frames, fps)
        clip = open_clip(path)
        return Clip(clip.info, MemoryFrames(clip.stack()))


def write_colour(path: Path, frames: Frames, fps: float) -> None:
    """Write red-green-blue frames (T, H, W, 3) as H.264."""
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        stream.options = {"crf": "21", "preset": "veryfast"}
        for frame in frames:
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format="yuv420p")))
        movie.mux(stream.encode())
