"""Write the whole files that fuzz.py damages: small clips of every format and syntax, labels, lines, cards, tables.

Run from the project's root: python packaging/fuzz/seeds.py OUT [--clips FOLDER]. Everything is made by the program and
by the tests' own writers; `--clips` adds the first 300 kB of real clips. Below OUT a folder for each target of
targets.py; in it a file, or a folder that is damaged in one of its files.
"""

import argparse
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "readers"), str(ROOT)]

_LINE = [[400, 250], [500, 255.5], [600, 250]]
_MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
_HASHES = [f"{number:064x}" for number in range(1, 6)]


def clips(out: Path) -> None:
    """Write a clip of each of the readers' sample kinds; DICOM files are seeds of whom they are of, too."""
    from reader_samples import SAMPLES

    out.mkdir(parents=True, exist_ok=True)
    for name, sample in SAMPLES.items():
        folder = out / name.replace("/", "-").replace(" ", "-")
        folder.mkdir(exist_ok=True)
        made = sample.make(folder)
        if made.is_dir():  # three frames are enough of a folder
            for frame in sorted(made.iterdir())[3:]:
                frame.unlink()
        if name in ("dicom/explicit little endian", "dicom/deflated", "dicom/implicit little endian"):
            identity = out.with_name("identity") / folder.name
            identity.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(made, identity / made.name)


def labels(out: Path) -> None:
    """Write labels in each form that can be imported, exported by the program itself, and the store they are of."""
    from lsgui.annotation.clip_facts import ApprovedMask, ClipFacts, StoredVerdict
    from lsgui.annotation.store import AnnotationStore
    from lsgui.cli.main import run
    from lsgui.core.interval import IntervalMark
    from lsgui.core.label import ReaderLabel, SlidingLabel
    from lsgui.core.reading import StatementKind

    out.mkdir(parents=True, exist_ok=True)
    store = out / "study.sqlite"
    line = {"frame": 0, "polyline": _LINE}
    with AnnotationStore(store) as opened:
        for digest, label in zip(_HASHES, [*ReaderLabel, ReaderLabel.LS_A], strict=False):
            name = f"clip {digest[-1]}.mp4"
            opened.save_reading(digest, name, "AB", label)
            opened.say(digest, name, "AB", StatementKind.LINE, line)
            opened.say(digest, name, "AB", StatementKind.COMMENT, "seen at the bedside")
            opened.save_interval(digest, name, "AB", IntervalMark(f"i{digest[-1]}", 2, 40, label))
            opened.save_clip(ClipFacts(digest, name, 60, 25.0, 128, 96))
        said = (0.2, 0.1, 0.3, 0.5, 1.0, ("few_frames",), "auto", _MOMENT)
        opened.save_verdict(StoredVerdict(_HASHES[0], "clip 1.mp4", "motion", "2", "", SlidingLabel.LS_P, *said))
        opened.approve_mask(ApprovedMask("s1", ((0, 0, 10, 10),), 128, 96, "AB", _MOMENT))
    for form, name in (("csv", "labels.csv"), ("json", "labels.json")):
        run(["labels", "export", str(out / name), "--store", str(store), "--format", form])
    (out / "paper").mkdir(exist_ok=True)
    entry = {"video_name": "013_image_5.mp4", "video_class": "ls_a", "cut_interval": [[0, 40], [50, 80]]}
    paper = [entry, {**entry, "video_name": "Sonoscape_1_002_20210929_104225_8.avi", "video_class": "ls_p"}]
    (out / "paper" / "sliding_metafile.json").write_text(json.dumps(paper), encoding="utf-8")
    (out / "job.cvat.json").write_text(json.dumps([_cvat()]), encoding="utf-8")
    stores = out.with_name("store")
    stores.mkdir(exist_ok=True)
    shutil.copyfile(store, stores / "study.sqlite")


def _cvat() -> dict[str, object]:
    flat = [value for point in _LINE for value in point]
    shape = {"type": "polyline", "points": flat, "frame": 3, "label": "pleural line", "outside": False}
    track = {"frame": 5, "label": "lungslidingabsent", "shapes": [shape, {**shape, "frame": 30, "outside": True}]}
    tags = [{"frame": 0, "label": "clip ls_a"}, {"frame": 0, "label": "bline"}]
    return {"version": 0, "tags": tags, "shapes": [shape], "tracks": [track]}


def lines(out: Path) -> None:
    """Write a file of one pleural line, one of several clips, and a mask."""
    out.mkdir(parents=True, exist_ok=True)
    one = {"frame": 0, "polyline": _LINE, "keyframes": {"5": _LINE, "9": _LINE}}
    (out / "line.json").write_text(json.dumps(one), encoding="utf-8")
    (out / "lines.json").write_text(json.dumps({"tuke_lumify_l12.mp4": one, "other.mp4": one}), encoding="utf-8")
    masks = out.with_name("mask")
    masks.mkdir(exist_ok=True)
    mask = {"width": 128, "height": 96, "rectangles": [[0, 0, 128, 10], [0, 90, 40, 6]]}
    (masks / "mask.json").write_text(json.dumps(mask), encoding="utf-8")


def others(out: Path) -> None:
    """Write a data set's table, settings, an audit log, and copies of shipped models."""
    from lsgui.review.settings import Settings, save_settings

    (out / "table").mkdir(parents=True, exist_ok=True)
    rows = ["clip,label,patient,source,start,stop,roi"]
    for number in range(6):
        (out / "table" / f"beside{number}.avi").write_bytes(b"RIFF")
        rows.append(f"beside{number}.avi,ls_{'pa'[number % 2]},p{number},simulated,0,40,")
    (out / "table" / "dataset.csv").write_text("\n".join(rows), encoding="utf-8")
    (out / "settings").mkdir(exist_ok=True)
    save_settings(out / "settings" / "settings.json", Settings())
    shipped = ROOT / "trained_models"
    for target, model in (("card", "cmwru-strip"), ("card", "motion"), ("card", "cmwra"), ("add", "cmwru-strip")):
        ignored = shutil.ignore_patterns("*.md", "*.csv", "leave*")
        shutil.copytree(shipped / model, out / target / model, ignore=ignored, dirs_exist_ok=True)
    (out / "weights").mkdir(exist_ok=True)
    shutil.copyfile(shipped / "cmwru-strip" / "model.safetensors", out / "weights" / "model.safetensors")


def checkpoints(out: Path) -> None:
    """Write a checkpoint as the published code does, of a small network that is refused as another one."""
    import torch

    out.mkdir(parents=True, exist_ok=True)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(4, 1))
    content = {"model_state_dict": network.state_dict(), "hyperparameters": {"frames": 30, "size": 64}}
    torch.save(content, out / "small.pth")


def real(out: Path, folder: Path) -> None:
    """Copy the first 300 kB of real clips: cut files are what a broken download leaves."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".mp4", ".mpeg", ".mov", ".gif", ".avi"):
            (out / path.name).write_bytes(path.read_bytes()[:300_000])


def write_seeds(out: Path, real_clips: Path | None = None) -> None:
    """Write all."""
    clips(out / "clip")
    labels(out / "labels")
    lines(out / "line")
    others(out)
    checkpoints(out / "checkpoint")
    if real_clips is not None:
        real(out / "clip", real_clips)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=Path)
    given = parser.parse_args()
    write_seeds(given.out, given.clips)
    return 0


if __name__ == "__main__":
    sys.exit(main())
