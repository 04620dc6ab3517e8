"""The training tests share simulated strips, cut once."""

import sys
from pathlib import Path

import pytest

from lsgui.training.data.sources import simulated_sources
from lsgui.training.strip.windows import StripSource

sys.path.insert(0, str(Path(__file__).parent))  # for `tiny_samples`


@pytest.fixture(scope="session")
def simulated() -> list[StripSource]:
    """Four strips of simulated clips, two absent and two sliding."""
    return list(simulated_sources(4, seed=3))
