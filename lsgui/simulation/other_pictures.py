"""Clips that are no ultrasound image of tissue: slides, menus, rooms, test patterns, M-mode sweeps; and colour flow."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.draw import random_spec
from lsgui.simulation.other_scenes import OtherClip, between
from lsgui.simulation.speckle import smooth_noise

Frames = npt.NDArray[np.uint8]
_WORDS = "case history lung left right apex base image probe depth gain study patient name date table figure"
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)


def _size(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(120, 270)) * 2, int(rng.integers(160, 330)) * 2


def _written(rng: np.random.Generator, picture: Frames, box: tuple[int, int, int, int], ink: int, scale: float) -> None:
    x, y, width, height = box
    font, all_words = int(rng.choice(_FONTS)), _WORDS.split()
    line = round(30 * scale)
    for top in range(y + line, y + height, round(1.4 * line)):
        words, at = "", x
        while at < x + width * between(rng, 0.5, 0.95):
            words += str(rng.choice(all_words)) + " "
            at = x + cv2.getTextSize(words, font, scale, 1)[0][0]
        cv2.putText(picture, words, (x, top), font, scale, ink, 1, cv2.LINE_AA)


def slides(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a talk: pages of text and bars that cut, fade or scroll into one another."""
    (height, width), fps = _size(rng), float(rng.choice([10, 15, 25, 30]))
    count = max(round(seconds * fps), 2)
    way = str(rng.choice(["cut", "fade", "scroll"]))
    pages = []
    for _ in range(int(rng.integers(2, 6))):
        paper, ink = (int(rng.integers(200, 256)), int(rng.integers(0, 60)))
        if rng.random() < 0.5:
            paper, ink = ink, paper
        page = np.full((height, width), paper, dtype=np.uint8)
        _written(rng, page, (20, int(0.15 * height), width - 40, int(0.7 * height)), ink, between(rng, 0.4, 0.8))
        if rng.random() < 0.5:
            for k in range(5):
                tall = int(rng.integers(5, height // 3))
                left = width // 2 + 25 * k
                cv2.rectangle(
                    page, (left, height - 10 - tall), (left + 15, height - 10), int(rng.integers(60, 200)), -1
                )
        pages.append(page)
    at = np.linspace(0, len(pages) - 1.001, count)
    if way == "scroll":
        strip = np.concatenate(pages)
        tops = (at / len(pages) * (len(strip) - height)).astype(int)
        frames = np.stack([strip[top : top + height] for top in tops])
    elif way == "fade":
        frames = np.stack([_mixed(pages[int(k)], pages[int(k) + 1], float(k % 1)) for k in at])
    else:
        frames = np.stack([pages[int(k)] for k in at])
    return OtherClip(_grained(rng, frames), fps)


def _mixed(one: Frames, other: Frames, part: float) -> Frames:
    part = float(np.clip((part - 0.6) / 0.4, 0, 1))
    return np.asarray(cv2.addWeighted(one, 1 - part, other, part, 0), dtype=np.uint8)


def _grained(rng: np.random.Generator, frames: Frames) -> Frames:
    """Return the frames with the grain of a recorded screen, or as they are."""
    if rng.random() < 0.5:
        return frames
    grain = rng.normal(0, between(rng, 0.5, 3.0), frames.shape[1:])
    return np.stack([np.clip(f + np.roll(grain, 7 * k, 1), 0, 255).astype(np.uint8) for k, f in enumerate(frames)])


def menus(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a recorded screen: a window with lists and buttons, a pointer, rows that light up and scroll."""
    (height, width), fps = _size(rng), float(rng.choice([10, 15, 25, 30]))
    paper = int(rng.integers(20, 240))
    ink, band = (220, 12) if paper < 128 else (20, -12)
    desk = np.full((height * 3, width), paper, dtype=np.uint8)
    left = int(0.2 * width)
    for row in range(0, height * 3, 28):
        desk[row : row + 26, left:] = np.clip(paper + band * (row // 28 % 2), 0, 255)
        _written(rng, desk, (left + 8, row - 2, width // 2, 24), ink, 0.45)
        corners = (width - 70, row + 4), (width - 14, row + 22)
        cv2.rectangle(desk, *corners, int(rng.integers(60, 200)), int(rng.choice([-1, 1])))
    bar = np.full((height, left), int(rng.integers(30, 230)), dtype=np.uint8)
    _written(rng, bar, (6, 20, left - 20, height - 40), 255 if bar[0, 0] < 128 else 0, 0.4)
    frames: list[Frames] = []
    pace, lit = between(rng, 0, 90), 0
    for k in range(max(round(seconds * fps), 2)):
        top = int(pace * k / fps) % (2 * height)
        view = desk[top : top + height].copy()
        view[:, :left] = bar
        if k % 12 == 0:
            lit = int(rng.integers(8)) * 28
        view[lit : lit + 26] = 255 - view[lit : lit + 26]
        x, y = (int(side * (0.5 + 0.4 * np.sin(k / fps * pace_of))) for side, pace_of in ((width, 1.3), (height, 2.1)))
        cv2.fillPoly(view, [np.array([[x, y], [x + 10, y + 10], [x, y + 14]])], 255 - ink)
        frames.append(view)
    return OtherClip(_grained(rng, np.stack(frames)), fps)


def room(rng: np.random.Generator, seconds: float, photo: Frames | None = None) -> OtherClip:
    """Return a hand-held camera in a room: a photograph, or planes, textures and a face that are drawn, in colour."""
    (height, width), fps = _size(rng), float(rng.choice([15, 24, 25, 30]))
    scene = _drawn_room(rng, 2 * height, 2 * width) if photo is None else photo
    scale = between(rng, 0.55, 0.95) * min(scene.shape[0] / height, scene.shape[1] / width)
    frames = []
    wander = [between(rng, 0.2, 1.2) for _ in range(4)]
    for k in range(max(round(seconds * fps), 2)):
        t = k / fps
        zoom = scale * (1 + 0.12 * np.sin(wander[0] * t))
        cx = scene.shape[1] / 2 + (scene.shape[1] - width * zoom) * 0.4 * np.sin(wander[1] * t + 1)
        cy = scene.shape[0] / 2 + (scene.shape[0] - height * zoom) * 0.4 * np.sin(wander[2] * t)
        turn = 0.06 * np.sin(wander[3] * t)
        matrix = np.array(
            [[zoom * np.cos(turn), -zoom * np.sin(turn), cx], [zoom * np.sin(turn), zoom * np.cos(turn), cy]]
        )
        matrix[:, 2] -= matrix[:, :2] @ np.array([width / 2, height / 2])
        view = cv2.warpAffine(
            scene, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
        )
        frames.append(np.clip(view + rng.normal(0, 2.5, view.shape[:2])[..., None], 0, 255).astype(np.uint8))
    return OtherClip(np.stack(frames), fps)


def _drawn_room(rng: np.random.Generator, height: int, width: int) -> Frames:
    scene = np.zeros((height, width, 3), dtype=np.float32)
    wall, floor = rng.uniform(90, 220, 3), rng.uniform(40, 160, 3)
    horizon = int(height * between(rng, 0.5, 0.75))
    scene[:horizon], scene[horizon:] = wall, floor
    scene += 10 * smooth_noise(rng, height, width, 40, 40)[..., None]
    for _ in range(int(rng.integers(4, 14))):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = int(rng.integers(20, width // 3)), int(rng.integers(20, height // 3))
        tint = rng.uniform(20, 240, 3)
        if rng.random() < 0.6:
            cv2.rectangle(scene, (x, y), (x + w, y + h), tint.tolist(), -1)
        else:
            cv2.ellipse(scene, (x, y), (w // 2, h // 2), between(rng, 0, 180), 0, 360, tint.tolist(), -1)
    skin, cx, cy = np.array([200, 155, 130]) * between(rng, 0.5, 1.15), width // 2, height // 2
    size = int(height * between(rng, 0.12, 0.25))
    cv2.ellipse(scene, (cx, cy), (int(0.75 * size), size), 0, 0, 360, skin.tolist(), -1)
    cv2.ellipse(scene, (cx, cy - size // 2), (int(0.8 * size), size // 2), 0, 180, 360, (40, 30, 25), -1)
    for side in (-1, 1):
        cv2.circle(scene, (cx + side * size // 3, cy - size // 8), size // 9, (250, 250, 250), -1)
        cv2.circle(scene, (cx + side * size // 3, cy - size // 8), size // 18, (30, 30, 30), -1)
    cv2.ellipse(scene, (cx, cy + size // 2), (size // 3, size // 9), 0, 0, 180, (150, 70, 70), -1)
    shade = 1.0 + 0.2 * smooth_noise(rng, height, width, 120, 120)
    return np.asarray(np.clip(cv2.GaussianBlur(scene * shade[..., None], (0, 0), 1.0), 0, 255), dtype=np.uint8)


def pattern(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return bars, a grid, a chessboard, rings, a ramp or the snow of an empty channel, still, drifting or blinking."""
    (height, width), fps = _size(rng), float(rng.choice([15, 25, 30]))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    kind = str(rng.choice(["bars", "layers", "chess", "rings", "ramp", "snow", "grid"]))
    pitch, pace = between(rng, 8, 60), between(rng, 0, 60) * (rng.random() < 0.7)
    frames = []
    for k in range(max(round(seconds * fps), 2)):
        gone = pace * k / fps
        if kind == "bars":
            view = 32 * np.floor((x + gone) / max(width / 8, 1)) % 256
        elif kind == "layers":
            view = 127 + 127 * np.sign(np.sin(6.28 * (y + gone) / pitch))
        elif kind == "chess":
            view = 255 * ((np.floor((x + gone) / pitch) + np.floor(y / pitch)) % 2)
        elif kind == "rings":
            view = 127 + 127 * np.sin(6.28 * (np.hypot(x - width / 2, y - height / 2) - gone) / pitch)
        elif kind == "ramp":
            view = (y / height * 255 + gone) % 256
        elif kind == "snow":
            view = rng.integers(0, 256, (height, width))
        else:
            view = 220.0 * (((x + gone) % pitch < 2) | (y % pitch < 2))
        frames.append(np.clip(view, 0, 255).astype(np.uint8))
    return OtherClip(_grained(rng, np.stack(frames)), fps)


def sweep(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return an M-mode of a lung as it is written: by a bar that runs across, or scrolling; alone or below an image."""
    spec = random_spec(rng)
    picture = replace(spec.picture, seconds=min(2.0 * seconds, 8.0), border=(0, 0, 0, 0), geometry="linear")
    scanner = replace(spec.scanner, repeat_every=0, black_lead_in=0, overlay=False, codec="none")
    made = simulate_clip(replace(spec, picture=picture, scanner=scanner), int(rng.integers(2**31)))
    middle = made.frames.shape[2] // 2
    column = made.frames[:, :, middle - 1 : middle + 1].mean(axis=2)
    width, per_s = int(rng.integers(220, 420)), between(rng, 50, 140)
    tall = column.shape[1]
    trace = cv2.resize(column.T, (max(round(per_s * len(column) / made.fps), width), tall)).astype(np.uint8)
    scrolls, alone, alive = rng.random() < 0.5, rng.random() < 0.6, rng.random() < 0.5
    frames, paper, step = [], trace[:, :width].copy(), max(round(per_s / made.fps), 1)
    for k in range(max(round(seconds * made.fps), 2)):
        at = int(per_s * k / made.fps)
        fresh = np.arange(at, at + step)
        paper[:, fresh % width] = trace[:, fresh % trace.shape[1]]
        view = paper.copy()
        view[:, np.arange(at + step, at + step + 4) % width] = 0
        if scrolls:
            view = np.take(trace, np.arange(at, at + width), axis=1, mode="wrap")
        if not alone:
            view = np.vstack([cv2.resize(made.frames[k if alive else 0], (width, tall // 2)), view])
        frames.append(view)
    stack = np.stack(frames)
    return OtherClip(stack[:, : stack.shape[1] // 2 * 2, : stack.shape[2] // 2 * 2], made.fps)


def black(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a black screen, with or without the faint noise of a cable."""
    (height, width), fps = _size(rng), 25.0
    count, noise = max(round(seconds * fps), 2), between(rng, 0.0, 3.0) * (rng.random() < 0.6)
    level = between(rng, 0, 6)
    grain = rng.normal(0, 1, (height, width))
    frames = [np.clip(level + noise * np.roll(grain, int(rng.integers(height)), 0), 0, 255) for _ in range(count)]
    return OtherClip(np.stack(frames).astype(np.uint8), fps)


def colour_flow(grey: Frames, rng: np.random.Generator, box: tuple[int, int, int, int]) -> Frames:
    """Return grey frames (T, H, W) with colour flow or power Doppler in a box (x, y, width, height), (T, H, W, 3)."""
    count, height, width = grey.shape
    out = np.repeat(grey[..., None], 3, axis=3)
    x, y, w, h = box
    power, beats, phase = rng.random() < 0.3, between(rng, 0.8, 1.8), between(rng, 0, 6.28)
    blob = smooth_noise(rng, h, 3 * w, between(rng, 4, 12), between(rng, 6, 20))
    tube = np.exp(-0.5 * ((np.arange(h) - h * between(rng, 0.3, 0.7)) / (0.15 * h)) ** 2)[:, None]
    for k in range(count):
        beat = 0.5 + 0.5 * np.sin(6.28 * beats * k / 25.0 + phase)
        flow = np.roll(blob, 2 * k, axis=1)[:, :w] * tube + rng.normal(0, 0.12, (h, w))
        flow = cv2.GaussianBlur(flow.astype(np.float32), (0, 0), 1.5) * (0.3 + 0.9 * beat)
        shown = np.abs(flow) > 0.18
        strong = np.clip(np.abs(flow) * 300, 90, 255)
        red = np.where((flow > 0) | power, strong, 0.25 * strong)
        blue = np.where((flow > 0) | power, 0.0, strong)
        part = out[k, y : y + h, x : x + w]
        part[shown] = np.stack([red, 0.45 * strong, blue], axis=-1)[shown].astype(np.uint8)
        cv2.rectangle(out[k], (x, y), (x + w - 1, y + h - 1), (240, 240, 240) if power else (90, 220, 90), 1)
    bar = np.linspace(1, -1, max(height // 4, 2))
    scale = np.stack([255 * np.clip(bar, 0, 1), 120 * np.abs(bar), 255 * np.clip(-bar, 0, 1)], axis=-1).astype(np.uint8)
    out[:, 4 : 4 + len(scale), max(width - 10, 0) : width - 4] = scale[:, None]
    return out
