"""More ultrasound of what is no lung: liver, kidney, bladder, vessels, an eye, bone, muscle, a probe in the air."""

import numpy as np

from lsgui.simulation.other_scenes import (
    BLOOD_DB,
    Field,
    Image,
    Moment,
    OtherClip,
    Scene,
    between,
    edge,
    ellipse,
    film,
    hand,
    inside,
    moment_of,
    rim,
    segment,
    spec_for,
    systole,
)


def _skin(field: Field, rng: np.random.Generator) -> Image:
    """Return the interfaces of skin, fat and a few layers of muscle above an organ."""
    bright = np.zeros_like(field.x)
    for at in np.sort(rng.uniform(3.0, between(rng, 10, 24), int(rng.integers(1, 5)))):
        curve = at + 0.6 * np.sin(field.x / between(rng, 8, 25) + rng.uniform(0, 6))
        bright = np.maximum(bright, between(rng, 0.03, 0.3) * edge(field, (field.y - curve).astype(np.float32), 0.35))
    bright = np.maximum(bright, 0.5 * np.exp(-field.y / 1.2) * (0.6 + 0.4 * np.cos(field.y * 7)))
    return np.asarray(bright, dtype=np.float32)


def liver(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a liver: even texture, dark vessels, the bright arc of the diaphragm, all moved by the breath."""
    spec = spec_for(rng, "convex", (90.0, 180.0), seconds)
    travel, hertz, phase = between(rng, 2, 18), between(rng, 0.15, 0.5), between(rng, 0, 6.28)
    has_diaphragm, has_bladder = rng.random() < 0.7, rng.random() < 0.3

    def build(field: Field) -> Scene:
        glow = between(rng, 0.06, 0.3)
        texture = between(rng, -34, -24) + 1.5 * field.noise(3.0) + 1.5 * field.noise(12.0)
        skin = _skin(field, rng)
        ends = [(rng.uniform(-50, 50), rng.uniform(25, field.depth_mm)) for _ in range(2 * int(rng.integers(2, 7)))]
        vessels = [(a, b, between(rng, 1.5, 4.5)) for a, b in zip(ends[::2], ends[1::2], strict=True)]
        arc, deep = between(rng, 70, 120), field.depth_mm * between(rng, 0.6, 0.9)
        tilt = rng.normal(0, 0.2)

        def at(time_s: float) -> Moment:
            up = travel * np.sin(6.28 * hertz * time_s + phase)
            mx, my = 0.6 * up, 0.5 * up
            db, bright = texture.copy(), skin.copy()
            for (ax, ay), (bx, by), wide in vessels:
                tube = segment(field, (ax + mx, ay + my), (bx + mx, by + my)) - wide
                db = db + (BLOOD_DB - db) * inside(tube)
                bright = np.maximum(bright, glow * edge(field, tube, 0.6))
            if has_bladder:
                sack = ellipse(field, 10 + mx, 45 + my, 12, 20, 0.5)
                db = db + (BLOOD_DB - db) * inside(sack)
                bright = np.maximum(bright, glow * edge(field, sack, 0.8))
            if has_diaphragm:
                far = np.hypot(field.x - mx, field.y - deep + arc - my - tilt * field.x) - arc
                bright = np.maximum(bright, 3 * glow * edge(field, far.astype(np.float32), 1.0) * (field.y > 30))
                db = db - 8.0 * (far > 0)
            return moment_of(db, bright, mx, my)

        return at

    return film(spec, build, rng, between(rng, 0.4, 2.0))


def kidney(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a kidney beside liver or spleen: capsule, darker cortex, bright middle."""
    spec = spec_for(rng, "convex", (90.0, 160.0), seconds)
    travel, hertz, phase = between(rng, 2, 15), between(rng, 0.15, 0.5), between(rng, 0, 6.28)

    def build(field: Field) -> Scene:
        glow = between(rng, 0.06, 0.3)
        texture = between(rng, -33, -25) + 1.5 * field.noise(3.0)
        skin = _skin(field, rng)
        cx, cy, turn = rng.normal(0, 10), field.depth_mm * between(rng, 0.4, 0.6), rng.normal(0, 0.4)
        a, b = between(rng, 42, 58), between(rng, 20, 27)

        def at(time_s: float) -> Moment:
            up = travel * np.sin(6.28 * hertz * time_s + phase)
            mx, my = 0.7 * up, 0.3 * up
            shell = ellipse(field, cx + mx, cy + my, a, b, turn)
            sinus = ellipse(field, cx + mx, cy + my, 0.6 * a, 0.4 * b, turn)
            db = texture - 6.0 * inside(shell, 1.0) + 13.0 * inside(sinus, 3.0)
            bright = np.maximum(skin, glow * edge(field, shell, 0.7))
            return moment_of(db, bright, mx, my)

        return at

    return film(spec, build, rng, between(rng, 0.4, 2.0))


def bladder(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a full bladder: a large black space with bright walls, brighter tissue behind."""
    spec = spec_for(rng, "convex", (90.0, 150.0), seconds)
    move = hand(rng)

    def build(field: Field) -> Scene:
        glow = between(rng, 0.06, 0.3)
        texture = between(rng, -34, -25) + 2.0 * field.noise(3.0)
        skin = _skin(field, rng)
        cx, cy = rng.normal(0, 8), field.depth_mm * between(rng, 0.35, 0.5)
        a, b, turn = between(rng, 25, 50), between(rng, 18, 32), rng.normal(0, 0.2)

        def at(time_s: float) -> Moment:
            mx, my = move(time_s)
            sack = ellipse(field, cx + mx, cy + my, a, b, turn)
            behind = (np.abs(field.x - cx - mx) < a) & (field.y > cy + my)
            db = texture + 8.0 * behind
            db = db + (BLOOD_DB - db) * inside(sack, 1.0)
            return moment_of(db, np.maximum(skin, glow * edge(field, sack, 0.9)), mx, my)

        return at

    return film(spec, build, rng, between(rng, 0.4, 2.0))


def vessel(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return an artery of the neck, along or across: two bright walls, black between, pulsating."""
    spec = spec_for(rng, "linear", (30.0, 50.0), seconds)
    beats, phase, move, along = between(rng, 0.8, 1.8), rng.random(), hand(rng, 0.3), rng.random() < 0.5

    def build(field: Field) -> Scene:
        glow = between(rng, 0.06, 0.3)
        texture = between(rng, -34, -24) + 3.0 * field.noise(1.0) + 3.0 * field.noise(4.0)
        skin = _skin(field, rng)
        deep, wide, tilt = between(rng, 12, 24), between(rng, 2.5, 4.0), rng.normal(0, 0.12)

        def at(time_s: float) -> Moment:
            c, (mx, my) = systole(time_s, beats, phase), move(time_s)
            half = wide * (1 + 0.09 * c)
            if along:
                tube = (np.abs(field.y - deep - my - tilt * field.x) - half).astype(np.float32)
            else:
                tube = ellipse(field, mx, deep + my, half, half)
                vein = ellipse(field, mx + 10, deep + my - 2, 5, 3 - c)
                tube = np.minimum(tube, vein)
            db = texture + (BLOOD_DB - texture) * inside(tube, 0.4)
            bright = np.maximum(skin, glow * edge(field, tube, 0.35))
            side = np.sign(field.y - deep)
            return moment_of(db, bright, mx, my + side * 0.09 * wide * c * np.exp(-np.maximum(tube, 0) / 4))

        return at

    return film(spec, build, rng, between(rng, 0.3, 1.5))


def eye(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return an eye: a black globe with a bright back wall, which looks about."""
    spec = spec_for(rng, "linear", (35.0, 50.0), seconds)
    speed, phase = between(rng, 0.2, 1.0), between(rng, 0, 6.28)

    def build(field: Field) -> Scene:
        glow = between(rng, 0.06, 0.3)
        texture = between(rng, -32, -22) + 3.0 * field.noise(1.2)

        def at(time_s: float) -> Moment:
            look = 4.0 * np.sin(6.28 * speed * time_s + phase)
            globe = ellipse(field, 0, 16, 12, 12)
            lens = ellipse(field, look * 0.6, 8.0, 4.5, 1.8)
            nerve = segment(field, (-look, 28), (-look * 1.5, 45)) - 2.0
            db = texture - 25.0 * inside(nerve) * (field.y > 27)
            db = db + (BLOOD_DB - db) * inside(globe)
            bright = np.maximum(glow * edge(field, globe, 0.4), glow * edge(field, lens, 0.3))
            return moment_of(db, bright, 0.3 * look, 0.0)

        return at

    return film(spec, build, rng, between(rng, 0.3, 1.5))


def bone(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a long bone or a joint: muscle over a bright curved surface with nothing but its shadow below."""
    spec = spec_for(rng, "linear" if rng.random() < 0.6 else "convex", (35.0, 70.0), seconds)
    move, joint = hand(rng), rng.random() < 0.4

    def build(field: Field) -> Scene:
        glow = between(rng, 0.06, 0.3)
        texture = between(rng, -33, -24) + 4.0 * field.noise(0.8) + 2.0 * field.noise(4.0)
        skin = _skin(field, rng)
        deep, bow = field.depth_mm * between(rng, 0.3, 0.55), between(rng, 0.002, 0.02)

        def at(time_s: float) -> Moment:
            mx, my = move(time_s)
            under = field.y - deep - my - bow * (field.x - mx) ** 2
            if joint:
                under = under - 5.0 * np.exp(-(((field.x - mx) / 3.0) ** 2))
            db = texture - 45.0 * (under > 0)
            echo = 4 * glow * edge(field, under.astype(np.float32), 0.5)
            return moment_of(db, np.maximum(skin * (under < 0), echo), mx, my)

        return at

    return film(spec, build, rng, between(rng, 0.3, 1.5))


def muscle(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a muscle of a limb: many bright fibres from edge to edge, which shorten and shift."""
    spec = spec_for(rng, "linear", (30.0, 60.0), seconds)
    hertz, stroke = between(rng, 0.2, 1.0), between(rng, 0.0, 5.0)

    def build(field: Field) -> Scene:
        glow = between(rng, 0.06, 0.3)
        tilt, gap = rng.normal(0, 0.15), between(rng, 1.2, 3.5)
        texture = between(rng, -36, -28) + 2.0 * field.noise(0.6)
        wave = 1.2 * field.noise(9.0)
        sheets = [between(rng, 4, field.depth_mm) for _ in range(3)]

        def at(time_s: float) -> Moment:
            gone = stroke * np.sin(6.28 * hertz * time_s)
            fibre = np.cos(6.28 * (field.y - tilt * (field.x - gone) + wave) / gap)
            bright = 0.3 * glow * np.clip(fibre - 0.6, 0, 1) / 0.4 * field.uneven
            for at_mm in sheets:
                bright = np.maximum(bright, glow * edge(field, (field.y - at_mm - 0.5 * wave).astype(np.float32), 0.4))
            return moment_of(texture + 4 * fibre, bright, gone, 0.0)

        return at

    return film(spec, build, rng, between(rng, 0.2, 1.5))


def no_contact(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a probe in the air or on too little gel: echoes of its own face, evenly spaced, then noise."""
    geometry = str(rng.choice(["linear", "convex", "sector"]))
    spec = spec_for(rng, geometry, (40.0, 140.0), seconds)

    def build(field: Field) -> Scene:
        gap, loss, top = between(rng, 0.8, 4.5), between(rng, 0.45, 0.85), between(rng, 0.2, 1.0)
        sagitta = 0.0
        if geometry != "linear":
            half = np.radians(spec.picture.sector_deg / 2)
            sagitta = spec.picture.probe_radius_mm * (1 - np.cos(half))
        radius = spec.picture.probe_radius_mm
        depth = field.y if geometry == "linear" else np.hypot(field.x, field.y + radius - sagitta) - radius
        bands = sum(top * loss**k * rim((depth - k * gap).astype(np.float32), 0.35) for k in range(1, 12))
        patch = 0.5 + 0.5 * np.clip(field.noise(8.0), -1, 1)

        def at(time_s: float) -> Moment:
            flicker = 1.0 + 0.05 * np.sin(40 * time_s)
            return moment_of(np.full_like(field.x, -90.0), np.asarray(bands) * patch * flicker, 0.0, 0.0)

        return at

    return film(spec, build, rng, 0.1)
