"""The paper's layout: a folder of clips and `sliding_metafile.json` (see `annotation.metafile`).

A clip is a folder `<video_name>/frame_<k>.png` or a video file. A file `patients.csv` beside it with the columns
`clip,patient` (and `source`, if wanted) overrules what the clips' names tell of patients, for those that it names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lsgui.annotation.metafile import (
    METAFILE,
    MetafileEntry,
    bare_name,
    frame_numbers,
    frames_of,
    person_of,
    read_entries,
)
from lsgui.core.errors import DatasetError
from lsgui.readers.base import is_clip
from lsgui.readers.frame_folder import frame_files
from lsgui.training.data.dataset_rows import DatasetRow, missing_note, read_table

PATIENTS = "patients.csv"


@dataclass(frozen=True, slots=True)
class Metafile:
    """What a folder in the paper's layout holds.

    Attributes
    ----------
    rows
        One row for every cut interval of every clip that is there.
    missing
        Names of clips that the file lists and the folder lacks, or whose frames none of its intervals touches.
    """

    rows: tuple[DatasetRow, ...]
    missing: tuple[str, ...]

    @property
    def note(self) -> str:
        """One sentence on what is missing; empty where all is there."""
        return missing_note(self.missing, len({row.clip for row in self.rows}), METAFILE)


def read_metafile(folder: Path, path: Path | None = None) -> Metafile:
    """Read the rows of a folder in the paper's layout; missing clips are listed, not fatal.

    Parameters
    ----------
    folder
        Where the clips lie.
    path
        The label file; None for `folder/sliding_metafile.json`.

    Raises
    ------
    DatasetError
        When the file cannot be used or not one of its clips is there.
    """
    path = path or folder / METAFILE
    entries = read_entries(path)
    people = {entry.video_name: person_of(entry.video_name) for entry in entries}
    for beside in dict.fromkeys((folder / PATIENTS, path.parent / PATIENTS)):
        if beside.is_file():
            people |= overruled(beside, people)
            break
    places = _places(folder)
    rows: list[DatasetRow] = []
    missing: list[str] = []
    for entry in entries:
        clip = _find(places, entry.video_name)
        found = [] if clip is None else list(_rows(clip, entry, *people[entry.video_name]))
        rows += found
        if not found:
            missing.append(entry.video_name)
    if not rows:
        raise DatasetError(
            f"{folder}: not one of the {len(entries)} clips of {path.name} is there: "
            "put them in as video files or as folders <video_name>/frame_<k>.png."
        )
    return Metafile(tuple(rows), tuple(missing))


def overruled(path: Path, people: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return patient and source of the clips that a `patients.csv` names.

    Parameters
    ----------
    people
        Patient and source of every clip, for what the table leaves open.

    Raises
    ------
    DatasetError
        When the table cannot be read, or names a clip that is not among these.
    """
    out: dict[str, tuple[str, str]] = {}
    for number, cells in enumerate(read_table(path, ("clip", "patient")), start=2):
        name = cells["clip"]
        if name not in people:
            raise DatasetError(f"{path}, line {number}: the labels name no clip {name!r}.")
        patient, source = people[name]
        out[name] = (cells["patient"] or patient, cells.get("source") or source)
    return out


def _places(folder: Path) -> dict[str, Path]:
    """Return what lies in a folder by name, and by name without ending where only one has it; case does not count."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as fault:
        raise DatasetError(f"{folder}: the data set cannot be read ({fault.strerror}).") from fault
    places: dict[str, Path] = {}
    stems: dict[str, list[Path]] = {}
    for entry in entries:
        places.setdefault(entry.name.casefold(), entry)
        stems.setdefault(bare_name(entry.name), []).append(entry)
    for stem, found in stems.items():
        clips = [entry for entry in found if is_clip(entry)]
        if len(clips) == 1:
            places.setdefault(f"{stem}/", clips[0])
    return places


def _find(places: Mapping[str, Path], video_name: str) -> Path | None:
    """Return the clip of this name; frames exported from `a.avi` may lie in the folder `a.avi` or `a`."""
    found = places.get(video_name.casefold())
    if found is not None and is_clip(found):
        return found
    return places.get(f"{bare_name(video_name)}/")


def _rows(clip: Path, entry: MetafileEntry, patient: str, source: str) -> Iterator[DatasetRow]:
    numbers = _numbers(clip)
    for first, last in entry.cut_interval or ((0, -1),):
        start, stop = (0, None) if last < 0 else frames_of(first, last, numbers)
        if numbers is not None and stop is not None and stop - start < 2:
            continue
        yield DatasetRow(clip, entry.video_class, patient, source, start, stop, None)


def _numbers(clip: Path) -> tuple[int, ...] | None:
    """Return the numbers in the frames' names in order; None for a video, or where they do not count up."""
    return frame_numbers(picture.name for picture in frame_files(clip)) if clip.is_dir() else None
