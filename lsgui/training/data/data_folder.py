"""A labelled folder in either layout, with what its labels name and it lacks."""

from pathlib import Path

from lsgui.annotation.metafile import METAFILE
from lsgui.core.errors import DatasetError
from lsgui.training.data.dataset_rows import DataFolder, read_listed
from lsgui.training.data.metafile import read_metafile

DATASET_FILE = "dataset.csv"
METAFILE_SUFFIX = ".json"


def read_folder(folder: Path, index: Path | None = None) -> DataFolder:
    """Read `folder/dataset.csv`, or `folder/sliding_metafile.json` where there is no such file.

    Parameters
    ----------
    index
        A CSV or JSON file of either form elsewhere, whose paths start at `folder`.

    Raises
    ------
    DatasetError
        One sentence that names the file and the row.
    """
    path = index or folder / DATASET_FILE
    if index is None and not path.is_file():
        path = folder / METAFILE
        if not path.is_file():
            raise DatasetError(f"{folder}: the data set cannot be read: it needs a file {DATASET_FILE} or {METAFILE}.")
    if path.suffix.lower() != METAFILE_SUFFIX:
        return read_listed(folder, path)
    found = read_metafile(folder, path)
    return DataFolder(found.rows, found.missing, found.note)
