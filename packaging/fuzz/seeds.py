"""Write the whole files that fuzz.py damages: small clips of every format and syntax, labels, lines, cards, tables.

Run from the project's root: python packaging/fuzz/seeds.py OUT [--clips FOLDER]. Everything is made by the program and
by the tests' own writers; `--clips` adds the first second of real clips, cut without coding anew.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "readers"), str(ROOT)]


def clips(out: Path) -> None:
    """Write a clip of each of the readers' sample kinds."""
    from reader_samples import SAMPLES

    out.mkdir(parents=True, exist_ok=True)
    for name, sample in SAMPLES.items():
        if not name.startswith("frames/"):
            folder = out / name.replace("/", "-").replace(" ", "-")
            folder.mkdir(exist_ok=True)
            sample.make(folder)


def labels(out: Path) -> None:
    """Write labels in each form that can be imported, exported by the program itself."""
    from lsgui.annotation.store import AnnotationStore
    from lsgui.cli.main import run
    from lsgui.core.label import ReaderLabel

    out.mkdir(parents=True, exist_ok=True)
    store = out / "study.sqlite"
    with AnnotationStore(store) as opened:
        for number, label in enumerate(ReaderLabel):
            opened.save_reading(f"{number:064x}", f"clip {number}.mp4", "AB", label)
    for form, name in (("csv", "labels.csv"), ("json", "labels.json")):
        run(["labels", "export", str(out / name), "--store", str(store), "--format", form])
    cvat = {"version": 0, "tags": [], "shapes": [], "tracks": []}
    (out / "job.cvat.json").write_text(json.dumps([cvat]), encoding="utf-8")


def lines(out: Path) -> None:
    """Write a file of one pleural line and one of several clips."""
    out.mkdir(parents=True, exist_ok=True)
    line = [[400, 250], [500, 255.5], [600, 250]]
    one = {"frame": 0, "polyline": line, "keyframes": {"5": line, "9": line}}
    (out / "line.json").write_text(json.dumps(one), encoding="utf-8")
    (out / "lines.json").write_text(json.dumps({"tuke_lumify_l12.mp4": one, "other.mp4": one}), encoding="utf-8")


def others(out: Path) -> None:
    """Write a data set's table, settings, and copies of shipped models."""
    from lsgui.review.settings import Settings, save_settings

    (out / "table").mkdir(parents=True, exist_ok=True)
    rows = ["clip,label,patient,source,start,stop,roi"]
    for number in range(6):
        (out / "table" / f"beside{number}.avi").write_bytes(b"RIFF")
        rows.append(f"beside{number}.avi,ls_{'pa'[number % 2]},p{number},simulated,0,40,")
    (out / "table" / "dataset.csv").write_text("\n".join(rows), encoding="utf-8")
    (out / "settings").mkdir(exist_ok=True)
    save_settings(out / "settings" / "settings.json", Settings())
    for model in ("cmwru-strip", "motion"):
        shutil.copytree(
            ROOT / "trained_models" / model,
            out / "card" / model,
            ignore=shutil.ignore_patterns("*.md", "*.csv", "leave*"),
        )


def real(out: Path, folder: Path) -> None:
    """Copy the first 300 kB of real clips: cut files are what a broken download leaves."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".mp4", ".mpeg", ".mov", ".gif", ".avi"):
            (out / path.name).write_bytes(path.read_bytes()[:300_000])


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=Path)
    given = parser.parse_args()
    clips(given.out / "clip")
    labels(given.out / "labels")
    lines(given.out / "line")
    others(given.out)
    if given.clips is not None:
        real(given.out / "clip", given.clips)
    return 0


if __name__ == "__main__":
    sys.exit(main())
