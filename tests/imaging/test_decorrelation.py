"""The speckle-change map says nothing of places that have no texture."""

from dataclasses import replace

import numpy as np
from speckle_samples import LINE_Y, MM_PER_PX, WIDTH, Sample, speckle_clip

from lsgui.imaging.decorrelation import speckle_change_map
from lsgui.imaging.strip_cutter import cut_strip


def _map(sample: Sample) -> np.ndarray:
    strip = cut_strip(sample.frames, (0, 0), sample.times_s, sample.roi, MM_PER_PX, True)
    found = speckle_change_map(strip, MM_PER_PX)
    assert found is not None
    return found.values


def _with_shadow(sample: Sample, level: float) -> Sample:
    """Darken the right half below the line, as a rib's shadow does, with the noise of a screen capture."""
    frames = sample.frames.astype(np.float32)
    shadow = frames[:, LINE_Y + 3 :, WIDTH // 2 :]
    shadow *= level
    shadow += np.random.default_rng(4).normal(0.0, 1.0, shadow.shape)
    return replace(sample, frames=np.clip(np.rint(frames), 0, 255).astype(np.uint8))


def test_a_black_shadow_is_not_drawn_and_does_not_light_up_its_edge() -> None:
    still = speckle_clip(6)
    plain, shaded = _map(still), _map(_with_shadow(still, 0.0))
    half = plain.shape[2] // 2
    deep = slice(8, None)  # rows well below the line's own brightness
    assert np.isfinite(plain[:, deep]).all()
    assert np.isnan(shaded[:, deep, half + 4 : -4]).all()
    kept = shaded[:, deep, 4 : half - 6]
    assert np.isfinite(kept).all()
    assert kept.max() < 0.1


def test_dim_texture_that_can_be_followed_is_drawn() -> None:
    dim = _map(_with_shadow(speckle_clip(6, renew=0.3), 0.4))
    half = dim.shape[2] // 2
    assert np.isfinite(dim[:, 8:, half + 4 : -4]).mean() > 0.99
