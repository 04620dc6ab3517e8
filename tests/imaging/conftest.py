"""The imaging tests share one small generator of clips whose motion is known."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for `speckle_samples`

from clip_fixtures import drawn_roi, live_noise, make_clip, shared_clip

__all__ = ["drawn_roi", "live_noise", "make_clip", "shared_clip"]
