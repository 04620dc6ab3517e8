"""Make the pictures of simulated and edited clips in resources/help, from seeds.

Run from the project's root: python packaging/make_gallery.py [--real CLIPS] [NAME...]
NAME is gallery, likeness, edits or edits_lumify; all are made if none is named. edits_lumify needs --real, the folder
of real clips; only M-modes of a clip under the MIT licence are drawn. likeness draws packaging/likeness.json
(measure_likeness.py). Simulated, edited and real clips are named as such in every picture.
"""

import io
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from make_demo import CONVEX, DEMOS, LINEAR
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageColor

from lsgui.core.clip import MemoryFrames
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI, read_roi_file
from lsgui.imaging.mmode import point_and_normal, straightened_mmode
from lsgui.imaging.scan_area import find_scan_area
from lsgui.readers.base import open_clip
from lsgui.simulation import ClipSpec, SimulatedClip, simulate_clip
from lsgui.simulation.clip_files import ClipContent, write_clip
from lsgui.simulation.edited_clip import ALL_EDITS
from lsgui.simulation.spec import Picture
from lsgui.training.data.edited_dataset import rows_to_edit, write_edits

HELP = Path(__file__).parents[1] / "resources" / "help"
LIKENESS = Path(__file__).with_name("likeness.json")
MAX_BYTES = 390_000
BACKGROUND, TEXT, MUTED, LINE = "#0c0f13", "#e8ecf2", "#9aa4b3", "#262d37"
ACCENT, PRESENT, ABSENT, UNSURE = "#46b8da", "#35b79a", "#f0923c", "#a48be0"
SECONDS = 5.0
ABOVE_MM, BELOW_MM = 11.0, 13.0
DPI = 100

LUMIFY = "tuke_lumify_l12.mp4"
LUMIFY_CREDIT = (
    "Recorded clip: Lung-Ultrasound-A-B-lines-classification, © 2024 M. Hliboký, MIT licence. Lung sliding present."
)
EARLIER = ((0.997, 0.994, 0.988, 0.981), (0.910, 0.808, 0.678, 0.628))
"""Above and below the line of that clip in squares of 24 px that stand in the picture, along another line."""

EDIT_TITLES = {
    "frozen": "frozen",
    "hard": "hard: with the wall's change",
    "mirror": "mirror: the wall reflected",
    "sham": "sham: re-timed, still sliding",
    "line_kept": "line kept over a held lung",
    "frozen_pulse": "frozen, beating",
    "hard_pulse": "hard, beating",
    "frozen_drift": "frozen, probe drifting",
    "hard_drift": "hard, probe drifting",
}


@dataclass(frozen=True)
class Scene:
    """A clip of the gallery: its title, where its M-mode is taken along the line (0-1), and what makes it."""

    title: str
    spec: ClipSpec
    seed: int
    column: float = 0.5


def scenes() -> tuple[Scene, ...]:
    """Return the clips of the gallery: the demo clips, and three more."""
    demo = {item.file.partition(".")[0]: item for item in DEMOS}
    ray_lung = replace(LINEAR.lung, b_lines=(13.0, 25.5, 33.0), b_line_db=-15.0, b_line_mm=2.6, a_lines=0)
    white = replace(CONVEX.lung, haze_db=-17.5, decay_mm=70.0, a_lines=0, moving=0.7)
    return (
        Scene("Sliding, linear probe", demo["sliding"].spec, demo["sliding"].seed),
        Scene("Absent, with A-lines", demo["absent"].spec, demo["absent"].seed),
        Scene("Lung point: slides at the left", demo["lung_point"].spec, demo["lung_point"].seed, 0.52),
        Scene("Absent, probe drifting", demo["probe_drift"].spec, demo["probe_drift"].seed),
        Scene("Sliding, convex probe", CONVEX, 61),
        Scene("Lung pulse without sliding", demo["lung_pulse"].spec, demo["lung_pulse"].seed),
        Scene("Sliding, B-lines", replace(LINEAR, scenario="b_lines", lung=ray_lung), 71),
        Scene("Sliding, white lung", replace(CONVEX, scenario="white_lung", lung=white), 83),
    )


def short(spec: ClipSpec) -> ClipSpec:
    """Return the clip cut to what a picture shows."""
    return replace(spec, picture=replace(spec.picture, seconds=SECONDS))


def plain(axes: Axes) -> None:
    """Leave nothing but the picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def draw_mmode(axes: Axes, frames: npt.NDArray[np.uint8], roi: PleuralROI, pitch: float, fps: float, at: float) -> None:
    """Draw an M-mode with its axes in mm against the pleural line and seconds."""
    picked = range(min(len(frames), round(SECONDS * fps)))
    strip = straightened_mmode(MemoryFrames(frames), picked, roi, at, ABOVE_MM / pitch, BELOW_MM / pitch)
    extent = (0.0, len(picked) / fps, BELOW_MM, -ABOVE_MM)
    axes.imshow(strip, cmap="gray", vmin=0, vmax=255, aspect="auto", extent=extent, interpolation="bilinear")
    axes.set_yticks([-10, 0, 10], ["−10", "0", "10"])
    axes.set_xticks(range(int(SECONDS) + 1))
    axes.tick_params(length=2, labelsize=7.5, pad=2)


def gallery() -> Figure:
    """Eight simulated clips, each a frame with its M-mode."""
    figure = Figure(figsize=(11.2, 9.6))
    grid = figure.add_gridspec(
        4, 4, height_ratios=(1.5, 0.75, 1.5, 0.75), left=0.04, right=0.99, top=0.93, bottom=0.035, hspace=0.17,
        wspace=0.13,
    )  # fmt: skip
    figure.text(0.012, 0.972, "Simulated clips", fontsize=15, weight="bold")
    figure.text(
        0.185, 0.973, "no patients · one frame, and below it the M-mode through the dotted line (mm from the pleural "
        "line, seconds)", fontsize=9.5, color=MUTED,
    )  # fmt: skip
    for index, scene in enumerate(scenes()):
        clip = simulate_clip(short(scene.spec), scene.seed)
        row, column = 2 * (index // 4), index % 4
        axes = figure.add_subplot(grid[row, column])
        draw_frame(axes, clip, scene)
        beneath = figure.add_subplot(grid[row + 1, column])
        draw_mmode(beneath, clip.frames, clip.roi, clip.mm_per_px, clip.fps, scene.column)
    return figure


def draw_frame(axes: Axes, clip: SimulatedClip, scene: Scene) -> None:
    """Draw a frame with its pleural line's ends and the line of the M-mode."""
    middle = len(clip.frames) // 2
    axes.imshow(clip.frames[middle], cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
    colour = PRESENT if clip.label is SlidingLabel.LS_P else ABSENT
    axes.set_title(f"{scene.title}  {clip.label.value}", fontsize=10, color=colour, loc="left", pad=5)
    line = clip.roi.line_at(middle)
    point, normal = point_and_normal(line, scene.column)
    reach = np.array([-ABOVE_MM, BELOW_MM])[:, None] / clip.mm_per_px * normal + point
    axes.plot(*reach.T, color=ACCENT, lw=1.1, ls=(0, (1, 2.2)))
    for end, off in ((line[0], -7), (line[-1], 7)):
        axes.plot([end[0] + off], [end[1]], marker=">" if off < 0 else "<", color=ACCENT, ms=5)
    axes.set_xlim(-0.5, clip.frames.shape[2] - 0.5)
    axes.set_ylim(clip.frames.shape[1] - 0.5, -0.5)
    axes.set_anchor("S")  # on its M-mode
    plain(axes)


def edited_modes(clip: Path, line: Path, credit: str, title: str) -> Figure:
    """M-modes of one sliding clip as it was and after every edit."""
    figure = Figure(figsize=(11.2, 5.0))
    grid = figure.add_gridspec(2, 5, left=0.035, right=0.99, top=0.8, bottom=0.06, hspace=0.32, wspace=0.14)
    figure.text(0.012, 0.935, title, fontsize=15, weight="bold")
    figure.text(
        0.012, 0.858, f"{credit}\nM-modes: mm from the pleural line, seconds. Edited clips are not patient data.",
        fontsize=9, color=MUTED, linespacing=1.5,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "edits"
        names = list(write_edits(out, rows_to_edit(clip, line), ALL_EDITS, 3, "png"))
        shown = [(clip, line, "as it was", PRESENT)]
        for kind, name in zip(ALL_EDITS, names, strict=True):
            colour = PRESENT if kind == "sham" else ABSENT
            shown.append((out / name, out / "roi" / f"{name}.json", EDIT_TITLES[kind], colour))
        fps = open_clip(clip).info.fps
        for index, (path, roi_file, name, colour) in enumerate(shown):
            axes = figure.add_subplot(grid[index // 5, index % 5])
            data = json.loads(roi_file.read_text(encoding="utf-8"))
            pitch = data.get(path.name, data)["mm_per_px"]
            frames = open_clip(path).stack()
            first = int(np.argmax(frames.mean(axis=(1, 2)) > 0.5 * np.median(frames.mean(axis=(1, 2)))))
            roi = read_roi_file(roi_file, path.name)
            later = PleuralROI(tuple((k, roi.line_at(k + first)) for k in range(len(frames) - first)), "file")
            draw_mmode(axes, frames[first:], later, pitch, fps, 0.5)
            axes.set_title(name, fontsize=9.5, color=colour, loc="left", pad=4)
    return figure


def edits() -> Figure:
    """Edits of a simulated sliding clip."""
    spec = replace(LINEAR, picture=Picture(260, 260, 0.16, 22.0, 5.2))
    clip = simulate_clip(spec, 11)
    with tempfile.TemporaryDirectory() as folder:
        path = write_clip(Path(folder) / "sliding", clip, "SIM", "avi")
        line = Path(folder) / "line.json"
        line.write_text(json.dumps({**clip.roi.to_json(), "mm_per_px": clip.mm_per_px}), encoding="utf-8")
        return edited_modes(path, line, "Original: a simulated clip.", "Edits of a simulated sliding clip")


def edits_lumify(clips: Path) -> Figure:
    """Edits of a real sliding clip under the MIT licence: M-modes only, nothing else of it is copied."""
    clip = open_clip(clips / LUMIFY)
    entry = json.loads((clips / "pleura.json").read_text(encoding="utf-8"))[LUMIFY]
    start, stop = entry["window"]
    x, y, width, height = box = find_scan_area(clip).box
    line = PleuralROI.single(0, np.array(entry["polyline"]) - (x, y))
    content = ClipContent(clip.stack(start, stop, box), clip.info.fps, entry["mm_per_px"], (0, 0, width, height))
    with tempfile.TemporaryDirectory() as folder:
        path = write_clip(Path(folder) / "recorded", content, "", "avi")
        line_file = Path(folder) / "line.json"
        line_file.write_text(json.dumps({**line.to_json(), "mm_per_px": entry["mm_per_px"]}), encoding="utf-8")
        return edited_modes(path, line_file, LUMIFY_CREDIT, "Edits of a recorded sliding clip")


def likeness() -> Figure:
    """How fast texture loses its likeness to itself: random simulated clips against measured real ones."""
    data = json.loads(LIKENESS.read_text(encoding="utf-8"))
    lags = np.array(data["lags_s"])
    figure = Figure(figsize=(11.2, 8.6))
    grid = figure.add_gridspec(2, 2, left=0.065, right=0.8, top=0.86, bottom=0.075, hspace=0.3, wspace=0.13)
    figure.text(0.012, 0.955, "Likeness of texture to itself over time", fontsize=15, weight="bold")
    figure.text(
        0.012, 0.92, "Mean correlation of 5.6 mm squares beside the pleural line, held still on the wall. "
        "Shaded: simulated clips, 5-95 % and 25-75 %, median. Dashed: 5-95 %.", fontsize=9.5, color=MUTED,
    )  # fmt: skip
    sliding = np.concatenate([np.array(v) for name, v in data["simulated"].items() if name.startswith("ls_p/")])
    marks = "os^vDPX<>*hdp"
    for side, where in enumerate(("above the line: chest wall", "below the line: lung")):
        axes = figure.add_subplot(grid[0, side])
        band(axes, lags, sliding[:, :, side], ACCENT, f"simulated, sliding (n={len(sliding)})", filled=True)
        for mark, (name, values) in zip(marks, data["real"].items(), strict=False):
            axes.plot(
                lags, np.array(values)[:, side], marker=mark, ms=5.5, lw=0.7, color=TEXT, alpha=0.9,
                label=Path(name).stem[:25],
            )  # fmt: skip
        axes.plot(
            lags, EARLIER[side], "o", mfc="none", mec=ABSENT, ms=7, label="tuke_lumify_l12, as\nfirst measured: 24 px",
        )  # fmt: skip
        dress(axes, lags, f"Sliding present, {where}")
        if side == 1:
            legend = axes.legend(loc="upper left", bbox_to_anchor=(1.03, 1.02), fontsize=8, frameon=False)
            legend.set_title("lines with marks: real clips", prop={"size": 8.5})
        beneath = figure.add_subplot(grid[1, side])
        shown = (("absent", ABSENT), ("lung_pulse", UNSURE), ("probe_drift", MUTED))
        for scenario, colour in shown:
            if f"ls_a/{scenario}" not in data["simulated"]:
                continue
            values = np.array(data["simulated"][f"ls_a/{scenario}"])
            name = f"simulated, {scenario.replace('_', ' ')} (n={len(values)})"
            band(beneath, lags, values[:, :, side], colour, name, filled=scenario == "absent")
        dress(beneath, lags, f"Sliding absent, {where}")
        if side == 1:
            beneath.legend(loc="upper left", bbox_to_anchor=(1.03, 1.02), fontsize=8, frameon=False)
    return figure


def band(
    axes: Axes, lags: npt.NDArray[np.float64], values: npt.NDArray[np.float64], colour: str, name: str, filled: bool
) -> None:
    """Draw the spread of a distribution (n, lags) and its median."""
    low, quarter, middle, three, high = np.percentile(values, [5, 25, 50, 75, 95], axis=0)
    if filled:
        axes.fill_between(lags, low, high, color=colour, alpha=0.16, lw=0)
        axes.fill_between(lags, quarter, three, color=colour, alpha=0.28, lw=0)
    else:
        axes.plot(lags, np.stack([low, high], axis=1), color=colour, lw=1.0, ls=(0, (3, 2)))
    axes.plot(lags, middle, color=colour, lw=2.2, label=name)


def dress(axes: Axes, lags: npt.NDArray[np.float64], title: str) -> None:
    """Give the axes their title, scale and grid."""
    axes.set_title(title, fontsize=10.5, loc="left")
    axes.set_xscale("log")
    axes.set_xticks(lags, [f"{lag:.2f}" for lag in lags])
    axes.minorticks_off()
    axes.set_xlim(lags[0] * 0.93, lags[-1] * 1.07)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel("time between the two frames, s", fontsize=9)
    axes.grid(color=LINE, lw=0.8)


def save(figure: Figure, path: Path) -> int:
    """Write a picture in as many colours as fit under the limit; returns its size in bytes."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI, facecolor=BACKGROUND)
    if data.tell() <= MAX_BYTES:
        path.write_bytes(data.getvalue())
        return data.tell()
    picture = Image.open(data).convert("RGB")
    for greys in (128, 96, 64, 48, 36):
        small = io.BytesIO()
        # greys for the pictures, and every colour of the marks in its steps towards the background
        picture.quantize(palette=palette(greys), dither=Image.Dither.NONE).save(small, "png", optimize=True)
        if small.tell() <= MAX_BYTES:
            path.write_bytes(small.getvalue())
            return small.tell()
    raise SystemExit(f"{path.name} does not fit into {MAX_BYTES} bytes")


def palette(greys: int) -> Image.Image:
    """Return a palette of greys, the background, and the colours of marks and words blended with it."""
    named = [np.array(rgb) for rgb in map(ImageColor.getrgb, (TEXT, MUTED, LINE, ACCENT, PRESENT, ABSENT, UNSURE))]
    ground = np.array(ImageColor.getrgb(BACKGROUND))
    entries = [ground, *(ground + part / 6 * (colour - ground) for colour in named for part in range(1, 7))]
    entries += [np.full(3, level) for level in np.linspace(0, 255, greys)]
    flat = np.rint(np.stack(entries)).astype(int).ravel().tolist()
    out = Image.new("P", (1, 1))
    out.putpalette(flat + flat[-3:] * (256 - len(entries)))
    return out


def main() -> None:
    """Make the pictures that are asked for."""
    mpl.rcParams.update(
        {
            "text.color": TEXT, "axes.edgecolor": LINE, "axes.facecolor": BACKGROUND, "axes.labelcolor": MUTED,
            "xtick.color": MUTED, "ytick.color": MUTED, "axes.titlecolor": TEXT, "font.size": 9,
        }
    )  # fmt: skip
    words = sys.argv[1:]
    clips = Path(words.pop(words.index("--real") + 1)) if "--real" in words else None
    asked = [word for word in words if word != "--real"]
    pictures: dict[str, Callable[[], Figure]] = {"gallery": gallery, "likeness": likeness, "edits": edits}
    if clips is not None:
        pictures["edits_lumify"] = lambda: edits_lumify(clips)
    for name in asked or pictures:
        print(f"{name}: {save(pictures[name](), HELP / f'simulated_{name}.png')} bytes")


if __name__ == "__main__":
    main()
