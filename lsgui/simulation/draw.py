"""Draw the parameters of a clip at random, much wider than any one scanner, and alike for both labels.

Only what makes the label (the lung's own motion) depends on the label. Probe drift, chest-wall motion, wall
decorrelation, duplicates, overlays, gain and compression are drawn before the label is looked at.
"""

from dataclasses import replace

import numpy as np

from lsgui.core.label import SlidingLabel
from lsgui.simulation.spec import (
    SCENARIOS,
    ClipSpec,
    Codec,
    Lung,
    Motion,
    Picture,
    Pleura,
    Rib,
    Scanner,
    Scenario,
    Wall,
)

HAZE_OVER_NOISE_DB = ((0.0, 8.0), (6.0, 4.0))
"""(mm below the pleural line, least level of the lung's haze over noise there): lung that drowns in noise moves unseen,
and such a clip has no label."""


def random_spec(
    rng: np.random.Generator, label: SlidingLabel | None = None, scenario: Scenario | None = None
) -> ClipSpec:
    """Return the parameters of a random clip.

    Parameters
    ----------
    rng
        Source of randomness.
    label
        ls_p or ls_a; None draws one of them evenly.
    scenario
        What the clip shows; None draws one that the label can have.

    Raises
    ------
    ValueError
        When the label cannot have the scenario ("sliding" is never absent).
    """
    allowed = [name for name, table in SCENARIOS.items() if scenario is None or scenario in dict(table)]
    if label is None:
        label = allowed[int(rng.integers(len(allowed)))]
    elif label not in allowed:
        raise ValueError(f"a clip labelled {label} cannot show {scenario!r}")
    if scenario is None:
        table = SCENARIOS[label]
        share = np.array([weight for _, weight in table])
        scenario = table[int(rng.choice(len(table), p=share / share.sum()))][0]
    picture, depth_mm = _picture(rng)
    wall = _wall(rng, picture, depth_mm)
    pleura, lung = _pleura(rng, depth_mm), _lung(rng, wall.level_db)
    motion, scanner = _motion(rng, picture), _scanner(rng, picture)
    scanner = replace(scanner, noise_db=min(scanner.noise_db, _most_noise_db(picture, depth_mm, lung, scanner)))
    spec = ClipSpec(
        label=label,
        scenario=scenario,
        picture=picture,
        wall=wall,
        pleura=pleura,
        lung=lung,
        motion=motion,
        scanner=scanner,
    )
    return _with_scenario(rng, spec)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def _picture(rng: np.random.Generator) -> tuple[Picture, float]:
    depth_mm = float(np.exp(rng.normal(np.log(19.0), 0.35)).clip(8.0, 40.0))
    height, width = int(rng.integers(200, 401)), int(rng.integers(200, 401))
    shown_mm = max(depth_mm * _between(rng, 1.6, 3.2), depth_mm + 12.0)
    pitch = float(np.clip(shown_mm / height, 0.15, 0.45))
    depth_mm = min(depth_mm, 0.68 * height * pitch)
    convex = _chance(rng, 0.35)
    border = (0, 0, 0, 0)
    if _chance(rng, 0.35):
        left, top, right, bottom = (int(v) for v in rng.integers(0, 50, 4))
        border = (left, top, right, bottom)
    return Picture(
        # even sizes, which video encoders ask for
        width=width + (width + border[0] + border[2]) % 2,
        height=height + (height + border[1] + border[3]) % 2,
        mm_per_px=round(pitch, 4),
        fps=float(rng.choice([12.5, 15, 16, 16.45, 18, 20, 24, 25, 29.97, 30, 33, 39, 40])),
        seconds=_between(rng, 3.0, 8.0),
        geometry="convex" if convex else "linear",
        border=border,
        probe_radius_mm=_between(rng, 15.0, 65.0),
        sector_deg=_between(rng, 40.0, 75.0),
    ), depth_mm


def _wall(rng: np.random.Generator, picture: Picture, depth_mm: float) -> Wall:
    across = picture.width * picture.mm_per_px
    ribs = []
    if _chance(rng, 0.55):
        gap = _between(rng, 16.0, 32.0)
        first = _between(rng, -8.0, min(10.0, 0.3 * across))
        above = min(_between(rng, 4.0, 9.0), 0.6 * depth_mm)
        for k in range(-1, 4):
            centre = first + k * gap
            if -15.0 < centre < across + 15.0:
                ribs.append(Rib(centre, _between(rng, 6.0, 11.0), above, _between(rng, 15.0, 40.0)))
    return Wall(
        level_db=_between(rng, -40.0, -24.0),
        streak_mm=_between(rng, 2.0, 10.0),
        streak_db=_between(rng, 2.0, 6.5),
        patch_db=_between(rng, 1.5, 5.0),
        fasciae=int(rng.integers(1, 7)),
        fascia_db=_between(rng, -26.0, -10.0),
        fat_fraction=_between(rng, 0.15, 0.6),
        ribs=tuple(ribs),
        correlation=1.0 - float(np.exp(rng.uniform(np.log(0.05), np.log(0.6)))),
        renewal_s=_between(rng, 0.15, 1.2),
    )


def _pleura(rng: np.random.Generator, depth_mm: float) -> Pleura:
    thick = _chance(rng, 0.2)
    return Pleura(
        depth_mm=depth_mm,
        tilt_deg=float(np.clip(rng.normal(0.0, 5.0), -14.0, 14.0)),
        curve_mm=_between(rng, -2.0, 2.5),
        irregular_mm=_between(rng, 0.12, 0.4) if thick or _chance(rng, 0.15) else _between(rng, 0.0, 0.1),
        thickness_mm=_between(rng, 1.0, 2.2) if thick else _between(rng, 0.45, 1.2),
        level_db=_between(rng, -14.0, -1.0),
        rough_mm=_between(rng, 0.6, 3.0),
        rough_db=_between(rng, 3.0, 8.0),
        moving=_between(rng, 0.25, 0.9),
        tail=_between(rng, 0.0, 0.5),
    )


def _lung(rng: np.random.Generator, wall_db: float) -> Lung:
    return Lung(
        haze_db=wall_db + _between(rng, -7.0, 8.0),
        decay_mm=float(np.exp(rng.uniform(np.log(7.0), np.log(35.0)))),
        moving=_between(rng, 0.25, 0.85),
        in_plane=_between(rng, 0.0, 0.5),
        slice_mm=_between(rng, 0.5, 1.6),
        evolve_mm=_between(rng, 0.5, 2.5),
        evolving=_between(rng, 0.2, 0.9),
        restless_mm_s=_between(rng, 0.0, 0.4),
        mirror_db=_between(rng, -28.0, -9.0),
        a_lines=int(rng.integers(0, 4)),
        a_line_db=_between(rng, -36.0, -16.0),
    )


def _motion(rng: np.random.Generator, picture: Picture) -> Motion:
    held = _chance(rng, 0.4)
    return Motion(
        breaths_per_min=_between(rng, 10.0, 30.0),
        breath_phase=_between(rng, 0.0, 1.0),
        pause=_between(rng, 0.0, 0.35),
        speed_mm_s=0.0,
        pulse_hz=_between(rng, 1.0, 1.7),
        pulse_phase=_between(rng, 0.0, 1.0),
        wall_pulse_mm=_between(rng, 0.0, 0.12) if _chance(rng, 0.5) else 0.0,
        wall_swing_mm=_between(rng, -1.5, 1.5) if _chance(rng, 0.6) else 0.0,
        wall_rise=_between(rng, -0.03, 0.05) if _chance(rng, 0.6) else 0.0,
        drift_mm_s=(0.0, 0.0) if held else (float(rng.normal(0.0, 0.5)), float(rng.normal(0.0, 0.08))),
        sway_mm=0.0 if held else _between(rng, 0.0, 0.6),
        sway_hz=_between(rng, 0.1, 0.8),
        tremor_mm=_between(rng, 0.0, 0.08) if _chance(rng, 0.5) else 0.0,
        tilt_slices=float(np.exp(rng.uniform(np.log(0.1), np.log(1.0)))) if _chance(rng, 0.35) else 0.0,
    )


def _scanner(rng: np.random.Generator, picture: Picture) -> Scanner:
    frames = round(picture.fps * picture.seconds)
    codec: Codec = "none"
    if _chance(rng, 0.5):
        codec = ("jpeg", "mpeg4")[int(rng.integers(2))]
    steps: tuple[tuple[float, float], ...] = ()
    if _chance(rng, 0.1):
        steps = ((_between(rng, 0.3, 0.8) * picture.seconds, _between(rng, -6.0, 6.0)),)
    lateral = _between(rng, 0.35, 0.9) if picture.geometry == "linear" else _between(rng, 0.6, 1.8)
    return Scanner(
        axial_mm=_between(rng, 0.18, 0.45),
        lateral_mm=lateral,
        compound_mm=_between(rng, 0.0, 0.25),
        dynamic_db=_between(rng, 48.0, 62.0),
        gain_db=_between(rng, -4.0, 12.0),
        curve=_between(rng, 0.8, 1.7),
        noise_db=_between(rng, -70.0, -46.0),
        noise_growth_db=_between(rng, 0.0, 12.0),
        loss_db_cm=_between(rng, -1.0, 3.0),
        edge_fade=_between(rng, 0.0, 14.0) if _chance(rng, 0.4) else 0.0,
        persistence=_between(rng, 0.0, 0.35),
        gain_steps=steps,
        black_lead_in=int(rng.integers(1, max(2, frames // 6))) if _chance(rng, 0.08) else 0,
        repeat_every=int(rng.integers(2, 7)) if _chance(rng, 0.12) else 0,
        overlay=_chance(rng, 0.3),
        codec=codec,
        codec_quality=int(rng.integers(45, 96)),
    )


def _most_noise_db(picture: Picture, depth_mm: float, lung: Lung, scanner: Scanner) -> float:
    """Return the highest `Scanner.noise_db` at which the lung is seen as `HAZE_OVER_NOISE_DB` asks."""
    shown_mm = picture.height * picture.mm_per_px
    most = []
    for below_mm, over_db in HAZE_OVER_NOISE_DB:
        at_mm = depth_mm + below_mm
        added_db = scanner.noise_growth_db * at_mm / shown_mm + scanner.loss_db_cm * at_mm / 10.0
        most.append(lung.haze_db - 8.686 * below_mm / lung.decay_mm - over_db - added_db)
    return min(most)


def _with_scenario(rng: np.random.Generator, spec: ClipSpec) -> ClipSpec:
    """Return the clip with the lung's own motion, and what its scenario adds."""
    motion, lung = spec.motion, spec.lung
    slides = spec.label is SlidingLabel.LS_P
    quick, shallow = float(np.exp(rng.normal(np.log(7.0), 0.35)).clip(3.0, 14.0)), _between(rng, 2.0, 4.0)
    beat, part, travel = _between(rng, 0.1, 0.5), _between(rng, 0.62, 0.88), _between(rng, 0.0, 0.3)
    if spec.scenario == "lung_point":
        left = _chance(rng, 0.5)
        share = part if slides else 1.0 - part
        motion = replace(
            motion,
            speed_mm_s=quick,
            lung_point=share if left else 1.0 - share,
            lung_point_travel=travel if left else -travel,
            lung_point_left=left,
        )
    elif slides:
        motion = replace(motion, speed_mm_s=shallow if spec.scenario == "shallow" else quick)
        if _chance(rng, 0.3):
            motion = replace(motion, pulse_mm=0.5 * beat)
    elif spec.scenario == "lung_pulse":
        motion = replace(motion, pulse_mm=beat)
    elif spec.scenario in ("b_lines", "white_lung") and _chance(rng, 0.4):
        motion = replace(motion, pulse_mm=0.5 * beat)
    if spec.scenario == "probe_drift":
        drift = _between(rng, 0.8, 2.5) * (1.0 if _chance(rng, 0.5) else -1.0)
        motion = replace(
            motion,
            drift_mm_s=(drift * min(1.0, 4.0 / spec.picture.seconds), float(rng.normal(0.0, 0.25))),
            sway_mm=_between(rng, 0.3, 1.5),
            tremor_mm=_between(rng, 0.02, 0.12),
        )
    if spec.scenario == "b_lines":
        across = spec.picture.width * spec.picture.mm_per_px
        places = tuple(float(v) for v in rng.uniform(0.1, 0.9, int(rng.integers(1, 5))) * across)
        lung = replace(lung, b_lines=places, b_line_db=_between(rng, -32.0, -16.0), b_line_mm=_between(rng, 1.2, 4.0))
    elif spec.scenario == "white_lung":
        lung = replace(lung, haze_db=_between(rng, -28.0, -18.0), decay_mm=_between(rng, 25.0, 80.0), a_lines=0)
    return replace(spec, motion=motion, lung=lung)
