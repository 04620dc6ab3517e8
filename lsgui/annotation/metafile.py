"""The paper's label file `sliding_metafile.json`: what its entries say, and what its clips' names tell of patients.

The file is a list of `{"video_name", "video_class", "cut_interval": [[first, last], ...]}`. Frames first..last, both
counted, carry the class: the one clip of the paper that can be had has 164 frames, and its interval ends at 163. In a
folder of numbered frames the interval means the numbers in the file names, so that a folder that holds only the cut
frames is read right too.

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
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.core.plain_file import read_json

METAFILE = "sliding_metafile.json"
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


def read_entries(path: Path) -> tuple[MetafileEntry, ...]:
    """Parse a metafile.

    Raises
    ------
    DatasetError
        One sentence that names the file and the entry.
    """
    try:
        data = read_json(path)
    except OSError as fault:
        raise DatasetError(f"{path}: the labels cannot be read ({fault.strerror}).") from fault
    except ValueError as fault:
        raise DatasetError(f"{path} is not a JSON file ({fault}).") from fault
    if not isinstance(data, list):
        raise DatasetError(
            f"{path}, entry the whole: it is no list; an entry needs video_name, video_class and cut_interval."
        )
    entries = tuple(_entry(path, number, item) for number, item in enumerate(data))
    if not entries:
        raise DatasetError(f"{path} names no clips.")
    _check(path, entries)
    return entries


def _entry(path: Path, number: int, item: object) -> MetafileEntry:
    """Return one entry; read by itself, as pydantic would gather the faults of millions before it says the first."""
    try:
        return MetafileEntry.model_validate(item)
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in (number, *first["loc"]))
        raise DatasetError(
            f"{path}, entry {place}: {first['msg']}; an entry needs video_name, video_class and cut_interval."
        ) from fault


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


def frame_numbers(names: Iterable[str]) -> tuple[int, ...] | None:
    """Return the numbers in frames' file names, given in the order of the frames; None where they do not count up."""
    found = [re.search(r"(\d+)\D*$", Path(name).stem) for name in names]
    numbers = tuple(int(match[1]) for match in found if match is not None)
    rising = all(a < b for a, b in pairwise(numbers))
    return numbers if rising and len(numbers) == len(found) else None


def frames_of(first: int, last: int, numbers: Sequence[int] | None) -> tuple[int, int]:
    """Return the frames (start, stop) of a cut interval, stop not included; the numbers are those of the clip's frames.

    Without numbers the interval counts frames from 0 up. An interval beside all the numbers gives an empty stretch.
    """
    if numbers is None:
        return first, last + 1
    return bisect_left(numbers, first), bisect_right(numbers, last)


def bare_name(name: str) -> str:
    """Return a clip's name without its ending, case folded: frames exported from `a.avi` may lie in the folder `a`."""
    return re.sub(r"\.[A-Za-z0-9]{2,5}$", "", name).casefold()
