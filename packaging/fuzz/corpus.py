"""Fill tests/corpus: small damaged files of every kind that the program reads, one for each different answer.

Run from the project's root: python packaging/fuzz/corpus.py [--seed 1] [--draws 40]. Whole files of a few kilobytes are
made as in seeds.py and damaged as in fuzz.py; of the copies of one file that get the same answer the smallest is kept,
below tests/corpus/<target>. tests/corpus/answers.json says of each file what opening it must give: "opened", "refused",
or "either" where that is the decoder's to say, whose versions differ. What is there already stays; `--keep FILE TARGET`
adds a case that a run found.
"""

import argparse
import contextlib
import io
import json
import os
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

from damage import damaged
from seeds import checkpoints, labels, lines, others
from targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "corpus"
LARGEST = 12_000
_NAMED = ("labels", "store", "settings", "table", "weights")
_BY_DECODER = ("movie", "MPEG", "H.264", "HEVC")
"""Parts of names of files of which FFmpeg decides how much can be shown."""


def small_clips(out: Path) -> None:
    """Write clips of three small frames of each of the readers' sample kinds."""
    import reader_samples
    from dicom_samples import DICOM_SYNTAXES, write_dicom

    frames = reader_samples.numbered_frames(3, 32, 48)
    out.mkdir(parents=True, exist_ok=True)
    whole = reader_samples.numbered_frames
    for name, sample in reader_samples.SAMPLES.items():
        folder = out / name.replace("/", "-").replace(" ", "-")
        folder.mkdir()
        kind, _, syntax = name.partition("/")
        if kind == "frames":
            reader_samples.write_folder(folder / "f", frames[:2], sample.make(folder / "made").suffix or ".png")
            continue
        if kind == "dicom" and "12-bit" not in name and "HTJ2K" not in name:
            made = DICOM_SYNTAXES[syntax]
            larger = "MPEG" in syntax or "HEVC" in syntax or "H.26" in syntax
            write_dicom(folder / "clip.dcm", whole(3, 64, 96) if larger else frames[: made.frames], syntax)
        elif kind in ("movie", "gif"):
            with _small_frames(reader_samples):
                sample.make(folder)


@contextlib.contextmanager
def _small_frames(module: object) -> "contextlib._GeneratorContextManager[None]":
    plain = module.numbered_frames
    module.numbered_frames = lambda *_, **__: plain(3, 64, 96)
    try:
        yield
    finally:
        module.numbered_frames = plain


def answer_of(target: str, path: Path) -> str:
    """Return "opened", or the sentence with which a file is refused; anything else is raised."""
    from lsgui.core.errors import LsguiError

    errors = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            status = TARGETS[target](path)
    except LsguiError as fault:
        return str(fault)
    said = errors.getvalue().strip()
    if status not in (0, 2) or (status == 2 and not said.startswith("lsgui: ")):
        raise AssertionError(f"{path}: exit status {status}: {said}")
    return "opened" if status == 0 else said.splitlines()[-1].removeprefix("lsgui: ")


def shape_of(answer: str) -> str:
    """Return an answer without its names and numbers."""
    return re.sub(r"['\"(].*?['\")]|[\d.]+|/\S+", "#", answer)[:70]


def draw(seed: Path, target: str, lots: random.Random, draws: int, work: Path) -> dict[str, tuple[str, bytes]]:
    """Return by shape the answer and the bytes of the smallest damaged copy that gets it."""
    best: dict[str, tuple[str, bytes]] = {}
    kind = seed.suffix.lower().lstrip(".")
    for _ in range(draws):
        data = damaged(seed.read_bytes(), kind, lots)
        if len(data) > LARGEST:
            continue
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        path = work / (seed.name if target in _NAMED else f"case{seed.suffix}")
        path.write_bytes(data)
        answer = answer_of(target, path)
        shape = shape_of(answer)
        if shape not in best or len(data) < len(best[shape][1]):
            best[shape] = (answer, data)
    return best


def fill(seeds: Path, corpus: Path, run: int, draws: int) -> dict[str, dict[str, str]]:
    """Draw and keep; return the answers by file."""
    answers: dict[str, dict[str, str]] = {}
    for seed in sorted(seeds.glob("*/**/*")):
        target = seed.relative_to(seeds).parts[0]
        if not seed.is_file() or target in ("card", "add") or seed.name.startswith(("beside", ".")):
            continue
        parent = "" if seed.parent.parent == seeds else f"{seed.parent.name}-"
        lots = random.Random(f"{run} {parent}{seed.name}")
        found = draw(seed, target, lots, draws, seeds.parent / "work")
        for number, (answer, data) in enumerate(sorted(found.values(), key=lambda pair: len(pair[1]))[:4]):
            stem = f"{parent}{seed.stem}-{number}".replace("+", "")
            place = corpus / target / (f"{stem}/{seed.name}" if target in _NAMED else f"{stem}{seed.suffix}")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            by_decoder = any(word in parent for word in _BY_DECODER)
            gives = "either" if by_decoder else "opened" if answer == "opened" else "refused"
            said = "" if answer == "opened" else answer.replace(f"{seeds.parent}/work/", "")[:160]
            answers[place.relative_to(corpus).as_posix()] = {"gives": gives, "said": said}
    return answers


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--keep", nargs=2, metavar=("FILE", "TARGET"))
    given = parser.parse_args()
    book = CORPUS / "answers.json"
    answers = json.loads(book.read_text("utf-8")) if book.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LSGUI_HOME"] = str(Path(folder) / "home")
        if given.keep:
            file, target = Path(given.keep[0]), given.keep[1]
            place = CORPUS / target / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
            said = answer_of(target, place)
            gives = "opened" if said == "opened" else "refused"
            answers[place.relative_to(CORPUS).as_posix()] = {"gives": gives, "said": said[:160]}
        else:
            seeds = Path(folder) / "seeds"
            small_clips(seeds / "clip")
            labels(seeds / "labels")
            lines(seeds / "line")
            others(seeds)
            checkpoints(seeds / "checkpoint")
            answers = {**fill(seeds, CORPUS, given.seed, given.draws), **answers}
    book.write_text(json.dumps(dict(sorted(answers.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
