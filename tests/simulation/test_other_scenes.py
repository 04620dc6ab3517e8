"""Clips that are no lung: each kind is made, alike for the same seed, and lives or stands still as its name says."""

import numpy as np
import pytest

from lsgui.simulation import other_organs as organs
from lsgui.simulation import other_pictures as pictures
from lsgui.simulation import other_scenes as scenes

TISSUE = {
    make.__name__: make
    for make in (
        scenes.still_phantom,
        scenes.moving_phantom,
        scenes.apical_heart,
        scenes.parasternal_heart,
        organs.liver,
        organs.kidney,
        organs.bladder,
        organs.vessel,
        organs.eye,
        organs.bone,
        organs.muscle,
        organs.no_contact,
    )
}
SCREENS = {
    make.__name__: make for make in (pictures.slides, pictures.menus, pictures.room, pictures.pattern, pictures.black)
}


@pytest.mark.parametrize("name", [*TISSUE, *SCREENS])
def test_a_seed_names_every_pixel(name: str) -> None:
    make = {**TISSUE, **SCREENS}[name]
    one, again, other = (make(np.random.default_rng(seed), 0.1) for seed in (3, 3, 4))
    assert one.frames.dtype == np.uint8
    assert len(one.frames) >= 2
    assert one.frames.shape[1] % 2 == one.frames.shape[2] % 2 == 0
    np.testing.assert_array_equal(one.frames, again.frames)
    assert one.frames.shape != other.frames.shape or bool((one.frames != other.frames).any())
    assert (one.mm_per_px is None) is (name in SCREENS)


def changed(clip: scenes.OtherClip) -> float:
    first, last = clip.frames[0].astype(int), clip.frames[-1].astype(int)
    lit = np.maximum(first, last) > 16
    return float(np.abs(first - last)[lit].mean())


def test_a_heart_moves_more_than_a_still_phantom() -> None:
    seconds = 0.3
    phantom = changed(scenes.still_phantom(np.random.default_rng(1), seconds))
    assert changed(scenes.apical_heart(np.random.default_rng(1), seconds)) > 2 * phantom


def test_systole_is_quick_and_comes_back() -> None:
    beat = [scenes.systole(t, 1.0, 0.0) for t in np.linspace(0, 1, 101)]
    assert max(beat) == pytest.approx(1.0, abs=0.01)
    assert int(np.argmax(beat)) < 30
    assert scenes.systole(1.3, 1.0, 0.0) == pytest.approx(scenes.systole(0.3, 1.0, 0.0))


def test_colour_flow_colours_its_box_alone() -> None:
    rng = np.random.default_rng(5)
    grey = np.full((6, 90, 120), 60, np.uint8)
    shown = pictures.colour_flow(grey, rng, (30, 30, 50, 40)).astype(int)
    coloured = np.abs(shown[..., 0] - shown[..., 2]) > 30
    coloured[:, :, 105:] = False  # the colour bar
    assert coloured.any()
    coloured[:, 30:70, 30:80] = False
    assert not coloured.any()
