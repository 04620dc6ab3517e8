"""Random clips: wide, and alike for both labels in all that is not the lung's own motion."""

from dataclasses import fields, replace

import numpy as np
import pytest

from lsgui.core.label import SlidingLabel
from lsgui.simulation import ClipSpec, random_spec, simulate_clip

ABSENT, PRESENT = SlidingLabel.LS_A, SlidingLabel.LS_P


def draws(label: SlidingLabel, count: int = 400) -> list[ClipSpec]:
    rng = np.random.default_rng(11)
    return [random_spec(rng, label) for _ in range(count)]


@pytest.mark.parametrize(("below_mm", "over_db"), [(0.0, 8.0), (6.0, 4.0)])
def test_no_lung_drowns_in_noise(below_mm: float, over_db: float) -> None:
    for spec in draws(ABSENT) + draws(PRESENT):
        if spec.scenario == "white_lung":  # has a haze of its own, brighter and deeper
            continue
        at_mm = spec.pleura.depth_mm + below_mm
        part = at_mm / (spec.picture.height * spec.picture.mm_per_px)
        noise_db = spec.scanner.noise_db + spec.scanner.noise_growth_db * part + spec.scanner.loss_db_cm * at_mm / 10
        haze_db = spec.lung.haze_db - 8.686 * below_mm / spec.lung.decay_mm
        assert haze_db - noise_db > over_db - 1e-6


def test_the_ranges_of_the_contract_are_used() -> None:
    specs = draws(ABSENT) + draws(PRESENT)
    depth = [s.pleura.depth_mm for s in specs]
    pitch = [s.picture.mm_per_px for s in specs]
    fps = [s.picture.fps for s in specs]
    seconds = [s.picture.seconds for s in specs]
    for values, low, high in ((depth, 8, 40), (pitch, 0.15, 0.45), (fps, 12, 40), (seconds, 3, 8)):
        assert low <= min(values) < low + 0.25 * (high - low)
        assert low + 0.7 * (high - low) < max(values) <= high
    assert {s.picture.geometry for s in specs} == {"linear", "convex"}
    # the pleura lies in the picture
    assert all(s.pleura.depth_mm < 0.75 * s.picture.height * s.picture.mm_per_px for s in specs)


def test_confounders_do_not_know_the_label() -> None:
    absent, present = draws(ABSENT), draws(PRESENT)
    for part in ("picture", "wall", "pleura", "scanner"):
        for item in fields(getattr(absent[0], part)):
            values = [[getattr(getattr(s, part), item.name) for s in specs] for specs in (absent, present)]
            if not all(isinstance(v, int | float) for v in values[0]):
                continue
            spread = np.std(values[0]) + 1e-9
            assert abs(np.mean(values[0]) - np.mean(values[1])) < 0.3 * spread, f"{part}.{item.name}"
    for name in ("wall_swing_mm", "wall_rise", "tilt_slices", "breaths_per_min", "sway_mm", "tremor_mm"):
        values = [[getattr(s.motion, name) for s in specs] for specs in (absent, present)]
        assert abs(np.mean(values[0]) - np.mean(values[1])) < 0.3 * np.std(values[0]), name
    for share in ("moving", "haze_db", "decay_mm", "evolving"):
        values = [[getattr(s.lung, share) for s in specs] for specs in (absent, present)]
        assert abs(np.mean(values[0]) - np.mean(values[1])) < 0.3 * np.std(values[0]), share


def test_the_label_is_in_the_motion() -> None:
    for spec in draws(ABSENT):
        assert spec.motion.speed_mm_s == 0.0 or spec.scenario == "lung_point"
    for spec in draws(PRESENT):
        assert spec.motion.speed_mm_s >= 0.8
    pulses = [s.motion.pulse_mm for s in draws(ABSENT) if s.scenario == "lung_pulse"]
    assert min(pulses) >= 0.1
    assert max(pulses) <= 0.5


@pytest.mark.parametrize(("label", "larger"), [(PRESENT, True), (ABSENT, False)])
def test_a_lung_points_label_is_that_of_the_larger_part(label: SlidingLabel, larger: bool) -> None:
    rng = np.random.default_rng(5)
    for seed in range(3):
        spec = random_spec(rng, label, "lung_point")
        spec = replace(spec, picture=replace(spec.picture, fps=12.5, seconds=3.0))
        made = simulate_clip(spec, seed)
        assert bool(made.sliding.mean() > 0.5) is larger
        assert 0.0 < made.sliding.mean() < 1.0


def test_a_label_cannot_have_any_scenario() -> None:
    with pytest.raises(ValueError, match="cannot show 'sliding'"):
        random_spec(np.random.default_rng(0), ABSENT, "sliding")
    assert random_spec(np.random.default_rng(0), None, "sliding").label is PRESENT
