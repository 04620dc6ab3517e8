"""The paper's layout: a folder of clips and `sliding_metafile.json`.

The file is a list of `{"video_name", "video_class", "cut_interval": [[first, last], ...]}`; a clip is a folder
`<video_name>/frame_<k>.png` or a video file. Frames first..last, both counted, carry the class: the one clip of the
paper that can be had has 164 frames, and its interval ends at 163. In a folder of numbered frames the interval means
the numbers in the file names, so that a folder that holds only the cut frames is read right too.

The file names no patient. What its names tell is used, and where they leave doubt, clips stay together, because a
patient on both sides of a split makes every figure too good:

=============================================  ==========  =======================================================
name                                           source      patient
=============================================  ==========  =======================================================
`013_image_55695359531586.mp4`                 Lumify      the leading number; a clip of `x_image_...` is its own
`Sonoscape_<batch>_002_20210929_104225_8.avi`  Sonoscape   the number before the date: it goes on over several days
`pacient 5b x220720--112808_..._MSK_0003.AVI`  MSK         the number in front (5; the letter counts clips)
`8e x220722--101032_20220722_MSK_0004.AVI`     MSK         the same without the word
`x220819--070303_20220819_MSK_0001s.AVI`       MSK         the day: exams minutes apart may be of one person
`Old_dataset_LSA_12.avi`                       Old_dataset all of them together: the names tell no person
any other                                      other       the clip itself
=============================================  ==========  =======================================================

A file `patients.csv` beside it with the columns `clip,patient` (and `source`, if wanted) overrules this for the clips
that it names.
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.readers.base import is_clip
from lsgui.readers.frame_folder import frame_files
from lsgui.training.data.dataset_rows import DatasetRow, missing_note, read_table

METAFILE = "sliding_metafile.json"
PATIENTS = "patients.csv"
UNKNOWN_SOURCE = "other"

_LUMIFY = re.compile(r"(?P<number>\d+|x)_image_\d+", re.IGNORECASE)
_SONOSCAPE = re.compile(r"Sonoscape_[\d-]+_[\d-]+_(?P<number>\d+)_\d{8}_\d{6}_\d+", re.IGNORECASE)
_MSK = re.compile(r"(?:(?:pacient )?(?P<number>\d+)[a-z]? )?x(?P<day>\d{6})--\d{6}_\d{8}_MSK_\d+", re.IGNORECASE)
_OLD = re.compile(r"Old_dataset_LS[AP]_\d+", re.IGNORECASE)


class MetafileEntry(BaseModel):
    """One entry of the file as it is written there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    video_name: str = Field(min_length=1)
    video_class: SlidingLabel
    cut_interval: tuple[tuple[int, int], ...] = ()


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


def read_entries(path: Path) -> tuple[MetafileEntry, ...]:
    """Parse a metafile.

    Raises
    ------
    DatasetError
        One sentence that names the file and the entry.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise DatasetError(f"{path}: the labels cannot be read ({fault.strerror}).") from fault
    except ValueError as fault:
        raise DatasetError(f"{path} is not a JSON file ({fault}).") from fault
    try:
        entries = TypeAdapter(tuple[MetafileEntry, ...]).validate_python(data)
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise DatasetError(
            f"{path}, entry {place}: {first['msg']}; an entry needs video_name, video_class and cut_interval."
        ) from fault
    if not entries:
        raise DatasetError(f"{path} names no clips.")
    _check(path, entries)
    return entries


def _check(path: Path, entries: Iterable[MetafileEntry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.video_class is SlidingLabel.CANNOT_ASSESS:
            raise DatasetError(f"{path}: {entry.video_name} is cannot_assess, but a training clip is ls_a or ls_p.")
        if entry.video_name in seen:
            raise DatasetError(f"{path} names {entry.video_name} twice: keep one entry with all its intervals.")
        seen.add(entry.video_name)
        for first, last in entry.cut_interval:
            if not 0 <= first < last:
                raise DatasetError(f"{path}: the interval [{first}, {last}] of {entry.video_name} is no stretch.")


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
            people |= _overrules(beside, people)
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


def person_of(video_name: str) -> tuple[str, str]:
    """Return (patient, source) as far as a name of the paper's clips tells, as the table above says."""
    if match := _LUMIFY.match(video_name):
        number = match["number"]
        return (video_name if number.lower() == "x" else f"Lumify {number}"), "Lumify"
    if match := _SONOSCAPE.match(video_name):
        return f"Sonoscape {match['number']}", "Sonoscape"
    if match := _MSK.match(video_name):
        return (f"MSK {int(match['number'])}" if match["number"] else f"MSK {match['day']}"), "MSK"
    if _OLD.match(video_name):
        return "Old_dataset", "Old_dataset"
    return video_name, UNKNOWN_SOURCE


def _overrules(path: Path, people: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
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
        stems.setdefault(_stem(entry.name), []).append(entry)
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
    return places.get(f"{_stem(video_name)}/")


def _stem(name: str) -> str:
    return re.sub(r"\.[A-Za-z0-9]{2,5}$", "", name).casefold()


def _rows(clip: Path, entry: MetafileEntry, patient: str, source: str) -> Iterator[DatasetRow]:
    numbers = _numbers(clip)
    for first, last in entry.cut_interval or ((0, -1),):
        start, stop = first, (None if last < 0 else last + 1)
        if numbers is not None and stop is not None:
            start, stop = bisect_left(numbers, first), bisect_right(numbers, last)
            if stop - start < 2:
                continue
        yield DatasetRow(clip, entry.video_class, patient, source, start, stop, None)


def _numbers(clip: Path) -> list[int] | None:
    """Return the numbers in the frames' names in order; None for a video, or where they do not count up."""
    if not clip.is_dir():
        return None
    found = [re.search(r"(\d+)\D*$", picture.stem) for picture in frame_files(clip)]
    numbers = [int(match[1]) for match in found if match is not None]
    rising = all(a < b for a, b in pairwise(numbers))
    return numbers if rising and len(numbers) == len(found) else None
