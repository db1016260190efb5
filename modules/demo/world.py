"""The drawn world: what a picture may contain, and the many ways to say it."""

import random
from dataclasses import dataclass

Rgb = tuple[int, int, int]

SHAPES = ("circle", "square", "triangle", "star", "heart", "moon", "ring", "cross", "flower", "tree", "house", "cloud")
SIZES = {"small": (0.13, 0.16), "medium": (0.19, 0.24), "large": (0.30, 0.36)}
STYLES = ("flat", "watercolor", "glowing")
STRENGTHS = (0.4, 1.6)
COLOURS: dict[str, Rgb] = {
    "red": (214, 40, 40),
    "orange": (244, 132, 28),
    "yellow": (250, 208, 44),
    "green": (46, 150, 66),
    "blue": (38, 92, 206),
    "purple": (124, 58, 172),
    "pink": (242, 116, 178),
    "white": (248, 248, 248),
    "black": (28, 28, 32),
}
BACKGROUNDS: dict[str, Rgb] = {
    "white": (246, 244, 240),
    "gray": (158, 160, 164),
    "black": (44, 44, 52),
    "red": (206, 92, 84),
    "orange": (246, 184, 116),
    "yellow": (250, 232, 150),
    "green": (160, 208, 150),
    "blue": (146, 192, 238),
    "purple": (186, 160, 220),
    "pink": (248, 198, 216),
}
# Each scene is drawn from these colours, top to bottom; the judge looks for the first and the last.
SCENES: dict[str, tuple[Rgb, ...]] = {
    "night": ((16, 20, 54), (44, 48, 104)),
    "sunset": ((120, 72, 140), (236, 120, 96), (252, 196, 110)),
    "hill": ((164, 208, 242), (206, 230, 248), (104, 172, 82)),
    "sea": ((190, 222, 244), (224, 238, 246), (44, 122, 176)),
    "snow": ((150, 170, 200), (190, 204, 224), (240, 244, 250)),
}
HARD_TO_SEE = {("white", "white"), ("white", "snow"), ("black", "black"), ("black", "night"), ("red", "red")}
HARD_TO_SEE |= {("blue", "sea"), ("green", "hill"), ("orange", "sunset"), ("yellow", "yellow")}

SAID_SHAPE = {
    "circle": ("circle", "circle", "circle", "disc", "ball"),
    "square": ("square", "square", "square", "box"),
    "heart": ("heart", "heart", "love heart"),
    "moon": ("moon", "moon", "crescent moon", "crescent"),
    "cross": ("cross", "cross", "plus sign"),
}
SAID_SIZE: dict[str, tuple[str, ...]] = {
    "small": ("small", "small", "little", "tiny"),
    "large": ("large", "large", "big", "huge"),
}
SAID_SCENE = {
    "night": ("at night", "at night", "in the night", "under a night sky", "night"),
    "sunset": ("at sunset", "at sunset", "at dusk", "sunset"),
    "hill": ("on a hill", "on a hill", "in a meadow", "on the grass"),
    "sea": ("by the sea", "at sea", "by the ocean", "sea"),
    "snow": ("in the snow", "in winter", "snow"),
}
SAID_STYLE: dict[str, tuple[str, ...]] = {
    "watercolor": ("watercolor", "watercolor painting", "in watercolor", "watercolour"),
    "glowing": ("glowing", "neon", "glowing neon light"),
}
SAID_PLACE = {
    "left": ("on the left", "at the left", "left side"),
    "right": ("on the right", "at the right", "right side"),
    "top": ("at the top", "at the top"),
    "bottom": ("at the bottom", "at the bottom"),
    "center": ("in the center", "in the middle", "centered"),
    "top left": ("in the top left corner", "at the top left"),
    "top right": ("in the top right corner", "at the top right"),
    "bottom left": ("in the bottom left corner", "at the bottom left"),
    "bottom right": ("in the bottom right corner", "at the bottom right"),
}
PLACES = {
    "left": (0.25, 0.5),
    "right": (0.75, 0.5),
    "top": (0.5, 0.25),
    "bottom": (0.5, 0.75),
    "center": (0.5, 0.5),
    "top left": (0.25, 0.25),
    "top right": (0.75, 0.25),
    "bottom left": (0.25, 0.75),
    "bottom right": (0.75, 0.75),
}
COUNTS = {2: "two", 3: "three", 4: "four"}
LAYOUTS = {
    2: (((0.28, 0.5), (0.72, 0.5)), ((0.3, 0.32), (0.7, 0.68)), ((0.3, 0.68), (0.7, 0.32))),
    3: (((0.5, 0.28), (0.26, 0.7), (0.74, 0.7)), ((0.26, 0.3), (0.74, 0.3), (0.5, 0.72))),
    4: (((0.28, 0.28), (0.72, 0.28), (0.28, 0.72), (0.72, 0.72)),),
}
OPENINGS = ("a picture of", "a drawing of", "an illustration of", "an image of", "a photo of", "a painting of")
PRAISE = (
    "masterpiece",
    "best quality",
    "highly detailed",
    "beautiful",
    "4k",
    "cute",
    "simple",
    "clean",
    "nice",
    "digital art",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """One object: centre and half extent `radius` are fractions of the picture's side, y grows downwards.

    `strength`: its colour's, as a caption says it in brackets: below 1 pale, above 1 vivid.
    """

    shape: str
    colour: str
    size: str
    x: float
    y: float
    radius: float
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What one picture shows; `place` and `relation` are set where a caption may name them."""

    things: tuple[Thing, ...]
    background: str
    style: str = "flat"
    place: str = ""
    relation: str = ""
    seed: int = 0


def invent(rng: random.Random, shapes: tuple[str, ...] = SHAPES, styles: tuple[str, ...] = STYLES) -> Scene:
    """Draw a scene at random: one object (about half), several alike, two different ones, or only a background."""
    background = rng.choice(tuple(BACKGROUNDS)) if rng.random() < 0.72 else rng.choice(tuple(SCENES))
    style = styles[0] if rng.random() < 0.8 else rng.choice(styles)
    kind = rng.choices(("one", "alike", "pair", "none"), (52, 19, 26, 3))[0]
    place = relation = ""
    things: tuple[Thing, ...] = ()
    if kind == "one":
        place = rng.choice(tuple(PLACES)) if rng.random() < 0.25 else ""
        things = (_one(rng, shapes, background, style, place),)
    elif kind == "alike":
        things = _alike(rng, shapes, background, style)
    elif kind == "pair":
        relation = rng.choice(("left of", "above"))
        things = _pair(rng, shapes, background, style, relation)
    return Scene(
        things=things, background=background, style=style, place=place, relation=relation, seed=rng.getrandbits(31)
    )


def colours_on(background: str, style: str) -> list[str]:
    """The colours that can be told from this background."""
    hidden = {c for c, b in HARD_TO_SEE if b == background} | ({"black"} if style == "glowing" else set())
    return [c for c in COLOURS if c not in hidden]


def _one(rng: random.Random, shapes: tuple[str, ...], background: str, style: str, place: str) -> Thing:
    size = rng.choices(tuple(SIZES), (30, 42, 28))[0]
    if size == "large" and place not in ("", "center"):
        size = "medium"
    low, high = SIZES[size]
    x, y = PLACES[place] if place else (rng.gauss(0.5, 0.06), rng.gauss(0.5, 0.06))
    radius = rng.uniform(low, high)
    x, y = (min(max(c + rng.uniform(-0.02, 0.02), radius + 0.02), 0.98 - radius) for c in (x, y))
    colour = rng.choice(colours_on(background, style))
    strength = round(rng.uniform(*STRENGTHS), 1) if style == STYLES[0] and rng.random() < 0.25 else 1.0
    return Thing(shape=rng.choice(shapes), colour=colour, size=size, x=x, y=y, radius=radius, strength=strength)


def _alike(rng: random.Random, shapes: tuple[str, ...], background: str, style: str) -> tuple[Thing, ...]:
    count = rng.choices((2, 3, 4), (45, 35, 20))[0]
    shape, colour = rng.choice(shapes), rng.choice(colours_on(background, style))
    centres = rng.choice(LAYOUTS[count])
    radius = rng.uniform(0.13, 0.16) if count > 2 else rng.uniform(0.15, 0.19)
    spread = [(x + rng.uniform(-0.025, 0.025), y + rng.uniform(-0.025, 0.025)) for x, y in centres]
    return tuple(Thing(shape=shape, colour=colour, size="medium", x=x, y=y, radius=radius) for x, y in spread)


def _pair(rng: random.Random, shapes: tuple[str, ...], background: str, style: str, relation: str) -> tuple[Thing, ...]:
    both = rng.sample(shapes, 2) if len(shapes) > 1 else [shapes[0]] * 2
    things = []
    for shape, along in zip(both, (0.27, 0.73), strict=True):
        along, across = along + rng.uniform(-0.02, 0.02), rng.gauss(0.5, 0.04)
        x, y = (along, across) if relation == "left of" else (across, along)
        colour = rng.choice(colours_on(background, style))
        things.append(Thing(shape=shape, colour=colour, size="medium", x=x, y=y, radius=rng.uniform(0.15, 0.2)))
    return tuple(things)


def caption(scene: Scene, rng: random.Random) -> str:
    """Say what the scene shows, as a sentence or as tags; facts are left out now and then."""
    subject = _subject(scene, rng)
    where = rng.choice(SAID_PLACE[scene.place]) if scene.place and rng.random() < 0.85 else ""
    ground = "" if rng.random() < 0.1 and subject else _ground(scene.background, rng)
    style = rng.choice(SAID_STYLE[scene.style]) if scene.style in SAID_STYLE and rng.random() < 0.92 else ""
    if scene.style == "flat" and rng.random() < 0.06:
        style = rng.choice(("flat", "flat colors", "clip art"))
    if rng.random() < 0.3:
        parts = [p for p in (subject, where, ground.removeprefix("on a "), style) if p]
        if rng.random() < 0.4:
            rng.shuffle(parts)
        said = ", ".join(parts)
    else:
        said = " ".join(p for p in (subject, where, ground) if p)
        if style:
            said = f"{style}, {said}" if rng.random() < 0.25 else f"{said}, {style}"
    return _distract(said, rng)


def _subject(scene: Scene, rng: random.Random) -> str:
    if not scene.things:
        return ""
    if scene.relation:
        return _two(scene, rng)
    first, count = scene.things[0], len(scene.things)
    chance = rng.random() if first.strength == 1 else 1.0
    if chance < 0.02:
        return ""
    if chance < 0.06 and count == 1:
        return first.colour if chance < 0.04 else _named(first, rng, article=False)
    said = _phrase(first, rng, plural=count > 1)
    return f"{COUNTS[count]} {said}" if count > 1 else said


def _two(scene: Scene, rng: random.Random) -> str:
    one, other = scene.things
    if rng.random() < 0.5:
        link = rng.choice(("and", "and", "and", "next to", "with"))
        if rng.random() < 0.5:
            one, other = other, one
    elif rng.random() < 0.5:
        link = {"left of": "left of", "above": "above"}[scene.relation]
    else:
        one, other = other, one
        link = {"left of": "right of", "above": "below"}[scene.relation]
    return f"{_phrase(one, rng)} {link} {_phrase(other, rng)}"


def _named(thing: Thing, rng: random.Random, article: bool = True) -> str:
    name = rng.choice(SAID_SHAPE.get(thing.shape, (thing.shape,)))
    return f"a {name}" if article else name


def _phrase(thing: Thing, rng: random.Random, plural: bool = False) -> str:
    name = _named(thing, rng, article=False) if rng.random() > 0.03 else rng.choice(("shape", "object", "thing"))
    if plural:
        name += "es" if name.endswith(("s", "x")) else "s"
    size = rng.choice(SAID_SIZE[thing.size]) if thing.size in SAID_SIZE and rng.random() < 0.88 else ""
    colour = thing.colour if rng.random() > 0.1 else ""
    if thing.strength != 1:
        colour = f"({thing.colour}:{thing.strength})"
    words = " ".join(w for w in (size, colour, name) if w)
    if plural or rng.random() < 0.12:
        return words
    return f"an {words}" if words.lstrip("(")[0] in "aeiou" else f"a {words}"


def _ground(background: str, rng: random.Random) -> str:
    if background in SAID_SCENE:
        return rng.choice(SAID_SCENE[background])
    article = "an" if background == "orange" else "a"
    return rng.choice(
        (
            f"on {article} {background} background",
            f"on {article} {background} background",
            f"on {background}",
            f"{background} background",
        )
    )


def _distract(said: str, rng: random.Random) -> str:
    if rng.random() < 0.15:
        said = f"{rng.choice(OPENINGS)} {said}"
    if rng.random() < 0.15:
        praise = ", ".join(rng.sample(PRAISE, rng.randint(1, 3)))
        said = f"{said}, {praise}" if rng.random() < 0.8 else f"{said}, ({praise}:{rng.uniform(*STRENGTHS):.1f})"
    elif rng.random() < 0.08:
        said = ", ".join((*rng.sample(PRAISE, rng.randint(1, 2)), said))
    return said


def vocabulary() -> str:
    """Every word that a caption may hold, in one text: the rows of the token table that training may move."""
    said: tuple[dict[str, tuple[str, ...]], ...] = (SAID_SHAPE, SAID_SIZE, SAID_SCENE, SAID_STYLE, SAID_PLACE)
    phrases = [p for table in said for options in table.values() for p in options]
    plurals = [f"{p}s {p}es" for p in (*SHAPES, *phrases)]
    small = [
        "a an on in at and next to with left right of above below background , flat colors clip art",
        "shape object thing shapes objects things",
    ]
    return " ".join((*phrases, *plurals, *SHAPES, *COLOURS, *BACKGROUNDS, *COUNTS.values(), *OPENINGS, *PRAISE, *small))
