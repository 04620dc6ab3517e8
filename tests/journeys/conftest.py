"""What the journeys share."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def review(qtbot: Any, home: Any) -> Iterator[Any]:
    """The real window over a real worker, at the size of a small screen; closed after the test."""
    from lsgui.gui.app import open_review
    from lsgui.gui.inference_thread import session_maker
    from lsgui.review.paths import settings_file
    from lsgui.review.settings import Settings, save_settings

    save_settings(settings_file(), Settings(model_id="motion", rater="R2"))
    opened = open_review(session_maker(in_process=False))
    opened.window.resize(1366, 768)
    with qtbot.waitExposed(opened.window):
        opened.window.show()
    yield opened
    opened.window.close()
    opened.window.deleteLater()
    opened.controller.deleteLater()
