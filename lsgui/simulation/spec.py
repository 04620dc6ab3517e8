"""What a simulated clip is made of: every parameter of anatomy, motion and scanner, in millimetres and seconds."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lsgui.core.label import SlidingLabel

Scenario = Literal["sliding", "shallow", "absent", "lung_pulse", "probe_drift", "b_lines", "white_lung", "lung_point"]

SCENARIOS: dict[SlidingLabel, tuple[tuple[Scenario, float], ...]] = {
    SlidingLabel.LS_P: (
        ("sliding", 0.42), ("shallow", 0.16), ("probe_drift", 0.16), ("b_lines", 0.10), ("white_lung", 0.08),
        ("lung_point", 0.08),
    ),
    SlidingLabel.LS_A: (
        ("absent", 0.36), ("lung_pulse", 0.22), ("probe_drift", 0.16), ("b_lines", 0.10), ("white_lung", 0.08),
        ("lung_point", 0.08),
    ),
}  # fmt: skip
"""Scenarios that each label can have, with the share of clips drawn from each."""

Codec = Literal["none", "jpeg", "mjpeg", "mpeg4"]


@dataclass(frozen=True, slots=True)
class Picture:
    """Size, pitch and rate. `width` and `height` are of the scanned picture; `border` (left, top, right, bottom) is
    black screen around it, all in pixels.
    """

    width: int = 320
    height: int = 320
    mm_per_px: float = 0.2
    fps: float = 25.0
    seconds: float = 4.0
    geometry: Literal["linear", "convex"] = "linear"
    border: tuple[int, int, int, int] = (0, 0, 0, 0)
    probe_radius_mm: float = 60.0
    sector_deg: float = 60.0


@dataclass(frozen=True, slots=True)
class Rib:
    """A rib at `centre_mm` from the left edge of the picture, `width_mm` wide, its top `above_mm` above the pleura."""

    centre_mm: float
    width_mm: float = 10.0
    above_mm: float = 6.0
    shadow_db: float = 28.0


@dataclass(frozen=True, slots=True)
class Wall:
    """The chest wall: speckle, streaks of muscle, fasciae and ribs.

    `correlation` is what the wall's speckle keeps after 0.25 s when nothing moves; `renewal_s` the time constant.
    """

    level_db: float = -34.0
    streak_mm: float = 6.0
    streak_db: float = 5.0
    patch_db: float = 3.5
    fasciae: int = 4
    fascia_db: float = -13.0
    fat_fraction: float = 0.3
    ribs: tuple[Rib, ...] = ()
    correlation: float = 0.96
    renewal_s: float = 0.4


@dataclass(frozen=True, slots=True)
class Pleura:
    """The pleural line. Its brightness carries a roughness of which `moving` (0-1) belongs to the lung.

    `tail` (0-1) is how strongly it rings on below.
    """

    depth_mm: float = 20.0
    tilt_deg: float = 3.0
    curve_mm: float = 1.0
    irregular_mm: float = 0.1
    thickness_mm: float = 0.7
    level_db: float = 0.0
    rough_mm: float = 1.2
    rough_db: float = 5.0
    moving: float = 0.6
    tail: float = 0.25


@dataclass(frozen=True, slots=True)
class Lung:
    """What shows below the line: a haze of which `moving` (0-1 of its power) is lung and the rest reverberation.

    `in_plane` is the part of the lung's path that lies in the scan plane: only that part shifts the texture, the rest
    replaces it. `slice_mm` is the path after which a new slice of lung is seen; `evolve_mm` the path after which the
    speckle has renewed itself; `evolving` the share of the texture that does. `restless_mm_s` is the pace at which free
    lung renews itself even between two breaths, for it also turns and unfolds.
    """

    haze_db: float = -33.0
    decay_mm: float = 14.0
    moving: float = 0.5
    in_plane: float = 0.25
    slice_mm: float = 1.6
    evolve_mm: float = 1.5
    evolving: float = 0.5
    restless_mm_s: float = 0.3
    mirror_db: float = -12.0
    a_lines: int = 2
    a_line_db: float = -18.0
    b_lines: tuple[float, ...] = ()
    b_line_db: float = -24.0
    b_line_mm: float = 2.5


@dataclass(frozen=True, slots=True)
class Motion:
    """Breathing, heart and hand. `speed_mm_s` is the peak speed of the lung against the wall; 0 where it stands.

    `lung_point` is the boundary of sliding as a fraction of the line's length, with its travel over a breath;
    `lung_point_left` says that the left side slides.
    """

    breaths_per_min: float = 16.0
    breath_phase: float = 0.0
    pause: float = 0.2
    speed_mm_s: float = 7.0
    pulse_hz: float = 1.2
    pulse_mm: float = 0.0
    pulse_phase: float = 0.0
    wall_pulse_mm: float = 0.0
    wall_swing_mm: float = 0.0
    wall_rise: float = 0.0
    drift_mm_s: tuple[float, float] = (0.0, 0.0)
    sway_mm: float = 0.0
    sway_hz: float = 0.3
    tremor_mm: float = 0.0
    tilt_slices: float = 0.0
    lung_point: float | None = None
    lung_point_travel: float = 0.15
    lung_point_left: bool = True


@dataclass(frozen=True, slots=True)
class Scanner:
    """From echo to grey: resolution, compression, noise, persistence, and what files add."""

    axial_mm: float = 0.25
    lateral_mm: float = 0.45
    compound_mm: float = 0.15
    dynamic_db: float = 55.0
    gain_db: float = 0.0
    curve: float = 1.0
    noise_db: float = -58.0
    noise_growth_db: float = 4.0
    loss_db_cm: float = 1.0
    edge_fade: float = 0.0
    persistence: float = 0.15
    gain_steps: tuple[tuple[float, float], ...] = ()
    black_lead_in: int = 0
    repeat_every: int = 0
    overlay: bool = False
    codec: Codec = "none"
    codec_quality: int = 80


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """A simulated clip before it is made: together with a seed it fixes every pixel."""

    label: SlidingLabel = SlidingLabel.LS_P
    scenario: Scenario = "sliding"
    picture: Picture = field(default_factory=Picture)
    wall: Wall = field(default_factory=Wall)
    pleura: Pleura = field(default_factory=Pleura)
    lung: Lung = field(default_factory=Lung)
    motion: Motion = field(default_factory=Motion)
    scanner: Scanner = field(default_factory=Scanner)

    @property
    def frames(self) -> int:
        """Number of frames of the clip."""
        return max(2, round(self.picture.fps * self.picture.seconds))

    def to_json(self) -> dict[str, Any]:
        """Return all parameters as plain mappings."""
        return asdict(self)
