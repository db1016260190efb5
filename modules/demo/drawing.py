"""Scenes become pictures: anti-aliased shapes on painted backgrounds, in several styles."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from modules.demo.world import BACKGROUNDS, COLOURS, SCENES, Rgb, Scene, Thing

Pixels = npt.NDArray[np.floating[Any]]
Part = tuple[str, list[tuple[float, float]], str]
Y = tuple[float, float]

SIDE = 128
OVERSAMPLE = 4
BROWN: Rgb = (112, 72, 44)
PALE = 200.0


def draw(scene: Scene, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """Paint the scene: [side, side, 3] bytes."""
    rng = np.random.default_rng(scene.seed)
    canvas = _background(scene.background, side, rng)
    if scene.style == "glowing":
        canvas = canvas * 0.35
    cloth = _mottle(side, rng) if scene.style == "watercolor" else None
    if cloth is not None:
        canvas = canvas + (255 - canvas) * (0.12 + 0.2 * cloth)
    for thing in scene.things:
        canvas = _put(canvas, thing, scene.style, cloth)
    if scene.style == "pixel":
        canvas = _pixelated(canvas)
    return np.asarray(canvas.clip(0, 255) + 0.5, dtype=np.uint8)


def _put(canvas: Pixels, thing: Thing, style: str, cloth: Pixels | None) -> Pixels:
    side = canvas.shape[0]
    main = strengthened(COLOURS[thing.colour], thing.strength)
    height = (np.arange(side, dtype=np.float32)[:, None, None] / side - thing.y) / thing.radius
    layers = _layers(thing.shape, thing.x, thing.y, thing.radius, side)
    if style == "glowing":
        whole = np.maximum.reduce([m for m, _ in layers])
        halo = Image.fromarray((whole * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(side * 0.045))
        canvas = canvas + np.asarray(halo, dtype=np.float32)[..., None] / 255 * main * 0.75
    for mask, paint in layers:
        colour = _paint(paint, main) * (1 - 0.07 * height)
        if style == "outline":
            colour, mask = np.full_like(colour, 30), _rim(mask, max(1.5, side / 50))
        if cloth is not None:
            wash = 0.62 + 0.38 * cloth
            colour = colour * wash + 255 * (1 - wash)
            mask = np.minimum(mask * (0.9 + 0.1 * _rim(mask, 2.0)), 1)
        canvas = canvas + (colour - canvas) * mask[..., None]
    return canvas


def strengthened(colour: Rgb, strength: float) -> Pixels:
    """A colour moved towards a light gray where its strength is below 1, and away from it above."""
    gray, full = np.full(3, PALE, dtype=np.float32), np.array(colour, dtype=np.float32)
    return (gray + (full - gray) * (strength if strength < 1 else 1 + (strength - 1) / 2)).clip(0, 255)


def _paint(name: str, main: Pixels) -> Pixels:
    if name == "main":
        return main
    if name == "dark":
        return main * (0.62 if main.min() < 240 else 0.8)
    if name == "light":
        return main + (255 - main) * 0.7
    if name == "core":
        amber = np.array((250, 190, 40), dtype=np.float32)
        return amber if np.abs(main - amber).sum() > 120 else np.array((150, 84, 30), dtype=np.float32)
    return np.array(BROWN, dtype=np.float32)


def _rim(mask: Pixels, width: float) -> Pixels:
    """The band of `width` pixels along the inside of a mask's border."""
    picture = Image.fromarray((mask * 255).astype(np.uint8))
    inner = np.asarray(picture.filter(ImageFilter.GaussianBlur(width)), dtype=np.float32) / 255
    return (mask * np.clip((0.97 - inner) * 5, 0, 1)).astype(np.float32)


def _layers(shape: str, x: float, y: float, radius: float, side: int) -> list[tuple[Pixels, str]]:
    """Masks in [0, 1] with the name of their paint, bottom first; a "hole" is cut out of all masks below it."""
    layers: list[tuple[Pixels, str]] = []
    for kind, points, paint in PARTS[shape]:
        big = Image.new("L", (side * OVERSAMPLE, side * OVERSAMPLE))
        placed = [((x + u * radius) * side * OVERSAMPLE, (y + v * radius) * side * OVERSAMPLE) for u, v in points]
        if kind == "ellipse":
            ImageDraw.Draw(big).ellipse(placed, fill=255)
        else:
            ImageDraw.Draw(big).polygon(placed, fill=255)
        mask = np.asarray(big.reduce(OVERSAMPLE), dtype=np.float32) / 255
        if paint == "hole":
            layers = [(m * (1 - mask), p) for m, p in layers]
        elif layers and layers[-1][1] == paint:
            layers[-1] = (np.maximum(layers[-1][0], mask), paint)
        else:
            layers.append((mask, paint))
    return layers


def _background(name: str, side: int, rng: np.random.Generator) -> Pixels:
    fall = np.linspace(-1, 1, side, dtype=np.float32)[:, None, None]
    if name in BACKGROUNDS:
        flat = np.array(BACKGROUNDS[name], dtype=np.float32) * (1 - 0.03 * fall)
        return np.broadcast_to(flat, (side, side, 3)).astype(np.float32)
    stops = np.array(SCENES[name], dtype=np.float32)
    sky = stops if name in ("night", "sunset") else stops[:2]
    at = np.linspace(0, len(sky) - 1, side)
    column = np.stack([np.interp(at, np.arange(len(sky)), sky[:, c]) for c in range(3)], axis=-1)
    canvas = np.repeat(column[:, None, :], side, axis=1).astype(np.float32)
    if name == "night":
        return _sprinkle(canvas, rng)
    if name == "sunset":
        return canvas
    across = np.linspace(0, 1, side, dtype=np.float32)
    bend = 0.05 * np.sin(math.pi * (across + rng.uniform(-0.15, 0.15))) if name != "sea" else 0 * across
    edge = (0.7 - bend) * side
    ground = np.clip(np.arange(side, dtype=np.float32)[:, None] - edge[None, :] + 0.5, 0, 1)[..., None]
    painted: Pixels = (canvas + (stops[2] * (1.05 - 0.08 * fall) - canvas) * ground).astype(np.float32)
    return painted


def _sprinkle(canvas: Pixels, rng: np.random.Generator) -> Pixels:
    side = canvas.shape[0]
    for x, y in rng.integers(2, side - 4, (14, 2)):
        canvas[y : y + 2, x : x + 2] = (225, 225, 240)
    return canvas


def _mottle(side: int, rng: np.random.Generator) -> Pixels:
    """Smooth noise in [0, 1]: [side, side, 1]."""
    coarse = Image.fromarray(rng.random((7, 7)).astype(np.float32))
    smooth: Pixels = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).clip(0, 1)
    return smooth[..., None]


def _pixelated(canvas: Pixels) -> Pixels:
    cell = max(1, canvas.shape[0] // 16)
    small = canvas.reshape(canvas.shape[0] // cell, cell, -1, cell, 3).mean(axis=(1, 3))
    return np.repeat(np.repeat(small, cell, axis=0), cell, axis=1)


def _disc(x: float, y: float, rx: float, ry: float | None = None) -> list[tuple[float, float]]:
    return [(x - rx, y - (ry or rx)), (x + rx, y + (ry or rx))]


def _spikes(points: int, outer: float, inner: float, down: float = 0.0) -> list[tuple[float, float]]:
    turns = [(math.pi * i / points, outer if i % 2 == 0 else inner) for i in range(2 * points)]
    return [(r * math.sin(a), down - r * math.cos(a)) for a, r in turns]


def _heart() -> list[tuple[float, float]]:
    turns = [2 * math.pi * i / 48 for i in range(48)]
    curve = [
        (16 * math.sin(a) ** 3, 13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a))
        for a in turns
    ]
    return [(u / 17, -v / 17 - 0.08) for u, v in curve]


def _petals() -> list[Part]:
    turns = [2 * math.pi * i / 5 for i in range(5)]
    return [("ellipse", _disc(0.61 * math.sin(a), -0.61 * math.cos(a), 0.37), "main") for a in turns]


def _box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


_ARM = 0.32
PARTS: dict[str, list[Part]] = {
    "circle": [("ellipse", _disc(0, 0, 0.95), "main")],
    "square": [("polygon", _box(-0.84, -0.84, 0.84, 0.84), "main")],
    "triangle": [("polygon", [(0, -0.92), (1.0, 0.8), (-1.0, 0.8)], "main")],
    "star": [("polygon", _spikes(5, 1.05, 0.44, 0.06), "main")],
    "heart": [("polygon", _heart(), "main")],
    "moon": [("ellipse", _disc(0, 0, 0.95), "main"), ("ellipse", _disc(0.48, -0.14, 0.8), "hole")],
    "ring": [("ellipse", _disc(0, 0, 0.98), "main"), ("ellipse", _disc(0, 0, 0.52), "hole")],
    "cross": [("polygon", _box(-0.95, -_ARM, 0.95, _ARM), "main"), ("polygon", _box(-_ARM, -0.95, _ARM, 0.95), "main")],
    "flower": [*_petals(), ("ellipse", _disc(0, 0, 0.32), "core")],
    "tree": [
        ("polygon", _box(-0.17, 0.2, 0.17, 1.0), "brown"),
        ("ellipse", _disc(-0.36, -0.08, 0.46), "main"),
        ("ellipse", _disc(0.36, -0.08, 0.46), "main"),
        ("ellipse", _disc(0, -0.5, 0.5), "main"),
    ],
    "house": [
        ("polygon", _box(-0.72, -0.12, 0.72, 0.92), "main"),
        ("polygon", [(0, -0.98), (1.0, -0.08), (-1.0, -0.08)], "dark"),
        ("polygon", _box(-0.2, 0.32, 0.2, 0.92), "light"),
    ],
    "cloud": [
        ("ellipse", _disc(-0.55, 0.2, 0.42), "main"),
        ("ellipse", _disc(0.02, -0.12, 0.52), "main"),
        ("ellipse", _disc(0.58, 0.22, 0.4), "main"),
        ("polygon", _box(-0.55, 0.2, 0.58, 0.62), "main"),
    ],
    "boat": [
        ("polygon", [(-1.0, 0.4), (1.0, 0.4), (0.6, 0.9), (-0.6, 0.9)], "dark"),
        ("polygon", _box(-0.05, -0.95, 0.05, 0.4), "brown"),
        ("polygon", [(0.12, -0.95), (0.85, 0.25), (0.12, 0.25)], "main"),
        ("polygon", [(-0.12, -0.6), (-0.75, 0.25), (-0.12, 0.25)], "main"),
    ],
}
