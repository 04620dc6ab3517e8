"""The training tests share simulated strips, cut once."""

import pytest

from lsgui.training.sources import simulated_sources
from lsgui.training.strip_windows import StripSource


@pytest.fixture(scope="session")
def simulated() -> list[StripSource]:
    """Four strips of simulated clips, two absent and two sliding."""
    return list(simulated_sources(4, seed=3))
