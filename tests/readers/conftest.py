"""The sample clips of the reader tests: made once a session, one of every kind."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `reader_samples` and `dicom_samples`

MakeSample = Callable[[str], Path]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> MakeSample:
    """Give the path of a sample clip by its name in `reader_samples.SAMPLES`; read it, never change it."""
    from reader_samples import SAMPLES

    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            folder = tmp_path_factory.mktemp(name.replace("/", "-").replace(" ", "-"))
            made[name] = SAMPLES[name].make(folder)
        return made[name]

    return make
