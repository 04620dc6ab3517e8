"""The demo clips that travel with the program, and what to look for in each."""

import json
from dataclasses import dataclass
from pathlib import Path

from lsgui.core.errors import RoiError
from lsgui.core.pleura import PleuralROI
from lsgui.core.resources import resources_dir


@dataclass(frozen=True, slots=True, eq=False)
class DemoClip:
    """A simulated clip: where it lies, what it is called, one sentence on what to look for, and its pleural line."""

    path: Path
    title: str
    look_for: str
    roi: PleuralROI | None


def demo_clips(folder: Path | None = None) -> tuple[DemoClip, ...]:
    """Return the bundled demo clips; none where the program came without them."""
    folder = resources_dir() / "demo" if folder is None else folder
    try:
        rows = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    clips = []
    for row in rows:
        path = folder / str(row["file"])
        if not path.exists():
            continue
        try:
            roi = PleuralROI.from_json(row["roi"]) if row.get("roi") else None
        except RoiError:
            roi = None  # the clip is still worth seeing: its line is looked for as in any other
        clips.append(DemoClip(path, str(row["title"]), str(row["look_for"]), roi))
    return tuple(clips)
