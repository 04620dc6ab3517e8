"""`lsgui info`: what was read from a clip."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lsgui.core.clip import Clip, ClipInfo
from lsgui.core.file_names import shown_name, text_name


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("info")
    def info(
        clip: Annotated[Path, typer.Argument(help="A DICOM file, a movie, a GIF or a folder of frames.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Say what was read from a clip: frames, rate, scale, region, quality.

        Example: lsgui info exam.dcm --json
        """
        from lsgui.decoding.clip_opening import read_clip_apart

        read = read_clip_apart(clip)
        facts = clip_facts(clip, read)
        if as_json:
            name = facts["path"]
            typer.echo(json.dumps(facts, ensure_ascii=name != text_name(name)))  # escapes give any name back whole
        else:
            _print_table(clip, facts, read.info)


def clip_facts(path: Path, clip: Clip) -> dict[str, Any]:
    """Return the object that `lsgui info --json` prints.

    Parameters
    ----------
    path
        The clip as the user named it.
    clip
        The completely read clip.
    """
    from lsgui.imaging.lung_judge import lung_flags
    from lsgui.imaging.quality import clip_flags
    from lsgui.imaging.scan_area import find_scan_area

    info = clip.info
    return {
        "path": str(path),
        "format": info.format,
        "frames": info.frames,
        "width": info.width,
        "height": info.height,
        "fps": round(info.fps, 4),
        "fps_source": info.fps_source,
        "duration_s": round(info.duration_s, 4),
        "spacing_mm": None if info.spacing_mm is None else [round(value, 6) for value in info.spacing_mm],
        "transfer_syntax": info.transfer_syntax,
        "photometric": info.photometric,
        "region": None if info.region is None else list(info.region),
        "quality": [flag.value for flag in (*clip_flags(clip), *lung_flags(clip, find_scan_area(clip)))],
    }


def _print_table(path: Path, facts: dict[str, Any], info: ClipInfo) -> None:
    from rich.console import Console
    from rich.table import Table

    from lsgui.core.prediction import QualityFlag

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [
        ("Clip", shown_name(str(path))),
        ("Format", " · ".join(filter(None, (facts["format"], facts["transfer_syntax"], facts["photometric"])))),
        ("Frames", f"{info.frames}, {info.width} x {info.height} pixels"),
        ("Rate", f"{info.fps:.4g} frames/s ({info.fps_source})"),
        ("Lasts", f"{info.duration_s:.2f} s"),
        ("Scale", _scale(info)),
        ("Region", _region(info)),
        *(("Trim", f"frames {info.trim[0] + 1} to {info.trim[1] + 1}") for _ in [0] if info.trim),
        *(("Note", info.note) for _ in [0] if info.note),
        *(("Quality", QualityFlag(flag).sentence) for flag in facts["quality"]),
    ]
    for name, value in rows:
        table.add_row(name, value)
    # a name may hold what looks like markup; width only matters to people at a terminal
    width = None if sys.stdout.isatty() else 200
    Console(file=sys.stdout, markup=False, emoji=False, highlight=False, width=width).print(table)


def _scale(info: ClipInfo) -> str:
    if info.spacing_mm is None:
        return "not calibrated"
    row, column = info.spacing_mm
    return f"{column:.4g} mm a pixel across, {row:.4g} mm down"


def _region(info: ClipInfo) -> str:
    if info.region is None:
        return "not given"
    x, y, width, height = info.region
    return f"{width} x {height} pixels at ({x}, {y})"
