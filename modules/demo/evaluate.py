"""Step 5: decode and look. Pictures are judged from their pixels alone, by plain image processing."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from modules.app import App
from modules.demo.drawing import SIDE, draw
from modules.demo.loop import watched
from modules.demo.world import BACKGROUNDS, COLOURS, COUNTS, SCENES, SHAPES, Scene, Thing, caption, colours_on, invent
from modules.generate.conditioning import emphasise
from modules.generate.request import Img2Img, Request, Txt2Img
from modules.generate.result import Picture
from modules.prompts.attention import parse_attention
from modules.prompts.chunks import pack
from modules.sampling.guidance import Contexts, Guided
from modules.sampling.prediction import Condition
from modules.sampling.rng import NoiseSource
from modules.sampling.samplers import sample
from modules.sampling.schedules import sigmas
from modules.sampling.tables import choose
from modules.sampling.walk import Denoiser, Walk
from modules.weights.devices import place
from modules.weights.library import Checkpoint
from modules.weights.loader import Model, load
from modules.weights.tokenizer import tokenize

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
SMALLEST = 0.004
CONTRAST = 34
Judge = Callable[[Bytes], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One object seen in a picture: its share of the area, nearest shape and colour, and centre in fractions."""

    area: float
    shape: str
    colour: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A prompt with what its picture must show."""

    group: str
    prompt: str
    judge: Judge
    negative: str = ""


def open_model(file: Path) -> Model:
    """Load an exported checkpoint the way the program does."""
    return load(Checkpoint(file, file.name), place())


def context(model: Model, prompts: Sequence[str]) -> list[Condition]:
    """Readings of prompts, with A1111's weights in brackets: [1, 77, width] each."""
    made = []
    for prompt in prompts:
        chunk = pack(parse_attention(prompt), tokenize)[0]
        made.append(Condition(emphasise(model.towers["te1"].encode([chunk.tokens]), [chunk])))
    return made


def steered(model: Model, cond: list[Condition], uncond: list[Condition], scale: float) -> Guided:
    """A denoiser that draws one prompt per picture, the same from the first step to the last."""
    contexts = Contexts([cond], [1.0], uncond)
    return Guided(model.prediction(), lambda call: contexts, scale)


@torch.inference_mode()
def generate(
    model: Model, prompts: Sequence[str], seeds: Sequence[int], negative: str = "", steps: int = 20, scale: float = 6.0
) -> list[Bytes]:
    """DPM++ 2M Karras at the native size: one picture [128, 128, 3] per prompt and seed."""
    cond, uncond = context(model, prompts), context(model, [negative] * len(prompts))
    return decode(model, denoise(model, steered(model, cond, uncond, scale), seeds, steps))


def denoise(model: Model, guided: Denoiser, seeds: Sequence[int], steps: int = 20) -> Tensor:
    """Walk from noise to latents [B, 4, 16, 16] with any denoiser."""
    chosen = choose("DPM++ 2M", "Karras")
    levels = sigmas(chosen.schedule, steps, model.levels)
    source = NoiseSource("NV", seeds, (4, SIDE // 8, SIDE // 8), model.place.device)
    start = source.first() * float((1 + levels[0] ** 2) ** 0.5)
    return sample(chosen.sampler, guided, start, levels, Walk(noise=source.next, report=lambda i, x0: None))


def decode(model: Model, latents: Tensor) -> list[Bytes]:
    """Latents to pictures."""
    pixels = model.vae.decode(latents).cpu().permute(0, 2, 3, 1).numpy()
    return [((p + 1) * 127.5 + 0.5).clip(0, 255).astype(np.uint8) for p in pixels]


def objects(picture: Bytes) -> list[Found]:
    """The objects of a picture: connected regions unlike the ground at both ends of their rows."""
    image, found = picture.astype(np.float32), []
    for region in regions(_unlike_ground(picture)):
        if region.mean() >= SMALLEST:
            rows, columns = np.nonzero(region)
            x, y = columns.mean() / region.shape[1], rows.mean() / region.shape[0]
            found.append(
                Found(area=float(region.mean()), shape=shape_of(region), colour=colour_of(image[region]), x=x, y=y)
            )
    return sorted(found, key=lambda f: -f.area)


def _unlike_ground(picture: Bytes) -> Mask:
    image = picture.astype(np.float32)
    ground = np.median(np.concatenate([image[:, :3], image[:, -3:]], axis=1), axis=1)
    unlike: Mask = np.abs(image - ground[:, None]).max(axis=2) > CONTRAST
    return unlike


def regions(mask: Mask) -> list[Mask]:
    """The connected parts of a mask (four neighbours), each as a mask."""
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return [numbers == i for i in range(1, count)]


@cache
def _outlines() -> tuple[list[str], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Shapes as they are drawn, small to large, sharp and a little soft, on grounds that hide a house's door or not:

    names [N], outlines [N, pixels] and proportions [N].
    """
    names, made = [], []
    for shape, radius, ground in product(SHAPES, (0.13, 0.2, 0.33), ("white", "gray")):
        thing = Thing(shape=shape, colour="blue", size="medium", x=0.5, y=0.5, radius=radius)
        shown = draw(Scene(things=(thing,), background=ground))
        for picture in (shown, _soft(shown)):
            made.append(_outline(max(regions(_unlike_ground(picture)), key=np.sum)))
            names.append(shape)
    return names, np.stack([o for o, _ in made]), np.array([p for _, p in made], dtype=np.float32)


def _soft(picture: Bytes) -> Bytes:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(2)))


def _outline(region: Mask) -> tuple[npt.NDArray[np.float32], float]:
    """A region stretched to a square, softened and normalised, flat; and its box's width to its height."""
    rows, columns = np.nonzero(region)
    box = region[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    square = cv2.resize(box.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(np.pad(square, 8), (0, 0), 1).ravel()
    soft -= soft.mean()
    return soft / np.linalg.norm(soft), box.shape[1] / box.shape[0]


def shape_of(region: Mask) -> str:
    """The shape one of whose outlines correlates best with the region's, given like proportions."""
    names, outlines, proportions = _outlines()
    seen, proportion = _outline(region)
    alike = np.minimum(proportion / proportions, proportions / proportion) ** 0.3
    return names[int((outlines @ seen * alike).argmax())]


def colour_of(pixels: npt.NDArray[np.float32]) -> str:
    """The named colour that most pixels [N, 3] are nearest to."""
    table = np.array(list(COLOURS.values()), dtype=np.float32)
    nearest = np.linalg.norm(pixels[:, None] - table, axis=2).argmin(axis=1)
    return list(COLOURS)[int(np.bincount(nearest, minlength=len(table)).argmax())]


def background_of(picture: Bytes) -> str:
    """The ground's name, from the colours along the top, the middle and the bottom of the picture's border."""
    image = picture.astype(np.float32)
    edge = np.concatenate([image[:, :4], image[:, -4:]], axis=1)
    thirds = [
        np.median(image[:4], axis=(0, 1)),
        np.median(edge[62:66], axis=(0, 1)),
        np.median(image[-4:], axis=(0, 1)),
    ]

    def distance(name: str) -> float:
        if name in BACKGROUNDS:
            expected = [BACKGROUNDS[name]] * 3
        else:
            stops = SCENES[name]
            expected = [stops[0], stops[1] if len(stops) > 2 else stops[0], stops[-1]]
        return float(np.linalg.norm(np.array(expected) - np.array(thirds), axis=1).sum())

    return min((*BACKGROUNDS, *SCENES), key=distance)


def redness(picture: Bytes) -> float:
    """The share of red: how much the red channel outdoes the others, over the whole picture."""
    image = picture.astype(np.float32) / 255
    return float((image[..., 0] - image[..., 1:].max(axis=2)).clip(min=0).mean())


def shows(wanted: Sequence[tuple[str, str]]) -> Judge:
    """Exactly these objects (colour, shape), in any places."""
    return lambda picture: sorted((f.colour, f.shape) for f in objects(picture)) == sorted(wanted)


def stands_on(background: str) -> Judge:
    """The ground is this one."""
    return lambda picture: background_of(picture) == background


def trials(per_group: int, seed: int = 99) -> list[Trial]:
    """Prompts of every group, drawn at random: one object, background, scene, two objects, counts."""
    rng = random.Random(seed)
    made = []
    for i in range(per_group):
        ground = rng.choice(tuple(BACKGROUNDS))
        on = f"on {'an' if ground == 'orange' else 'a'} {ground} background"
        can = colours_on(ground, "flat")
        one, other = rng.sample(SHAPES, 2)
        colour, second = rng.choice(can), rng.choice(can)
        size = rng.choice(("", "", "large ", "small "))
        prompt = f"{_article(size + colour)} {one} {on}"
        made.append(Trial(group="object", prompt=prompt, judge=shows([(colour, one)])))
        made.append(Trial(group="background", prompt=prompt, judge=stands_on(ground)))
        prompt = f"{_article(colour)} {one} and {_article(second)} {other} {on}"
        made.append(Trial(group="two objects", prompt=prompt, judge=shows([(colour, one), (second, other)])))
        count = 2 + i % 3
        plural = f"{one}{'es' if one.endswith('s') else 's'}"
        made.append(
            Trial(group="count", prompt=f"{COUNTS[count]} {colour} {plural} {on}", judge=shows([(colour, one)] * count))
        )
    scenes = {
        "night": "at night",
        "sunset": "at sunset",
        "hill": "on a hill",
        "sea": "by the sea",
        "snow": "in the snow",
    }
    for i in range(per_group // 2):
        name = tuple(SCENES)[i % len(SCENES)]
        colour, shape = rng.choice(colours_on(name, "flat")), rng.choice(SHAPES)
        made.append(Trial(group="scene", prompt=f"{_article(colour)} {shape} {scenes[name]}", judge=stands_on(name)))
    return made


def _article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def adherence(model: Model, tried: list[Trial], batch: int = 8) -> dict[str, float]:
    """The share of each group's trials whose picture shows what its prompt says; one seed per trial."""
    prompts = list(dict.fromkeys(t.prompt for t in tried))
    pictures: dict[str, Bytes] = {}
    for at in watched(range(0, len(prompts), batch), "adherence"):
        some = prompts[at : at + batch]
        pictures.update(zip(some, generate(model, some, range(at, at + len(some))), strict=True))
    scores: dict[str, list[bool]] = {}
    for trial in tried:
        scores.setdefault(trial.group, []).append(trial.judge(pictures[trial.prompt]))
    return {group: sum(found) / len(found) for group, found in scores.items()}


def obedience(model: Model, count: int, seed: int = 7) -> dict[str, float]:
    """Negative prompts, word weights and words that change half-way, each over `count` cases."""
    rng = random.Random(seed)
    grounds = ("white", "gray", "blue", "yellow")
    results: dict[str, list[bool]] = {"negative": [], "weight": [], "schedule": []}
    for i in watched(range(count), "obedience"):
        ground, shape = rng.choice(grounds), rng.choice(SHAPES)
        vague = f"a {shape} on a {ground} background"
        results["negative"].append(_removes(model, vague, i))
        strong, weak = generate(model, [f"a (red:{w}) {shape} on a {ground} background" for w in (1.5, 0.5)], [i, i])
        results["weight"].append(redness(strong) > redness(weak))
        results["schedule"].append(_changes(model, shape, ground, i))
    return {name: sum(found) / len(found) for name, found in results.items()}


def _removes(model: Model, prompt: str, seed: int) -> bool:
    """Is the colour that the model chose gone, and an object still there, when that colour is the negative prompt?"""
    chosen = objects(generate(model, [prompt], [seed])[0])
    if not chosen:
        return False
    left = objects(generate(model, [prompt], [seed], negative=chosen[0].colour)[0])
    return bool(left) and all(f.colour != chosen[0].colour for f in left)


@torch.inference_mode()
def _changes(model: Model, shape: str, ground: str, seed: int) -> bool:
    """Does [red:blue:0.5] give a picture unlike both ends?"""
    red, blue, empty = (
        context(model, [p])
        for p in (f"a red {shape} on a {ground} background", f"a blue {shape} on a {ground} background", "")
    )
    calls = iter(range(1000))
    ends = [steered(model, c, empty, 6.0) for c in (red, blue)]
    pictures = [decode(model, denoise(model, end, [seed]))[0].astype(np.float32) for end in ends]

    def changing(x: Tensor, sigma: Tensor) -> Tensor:
        return ends[next(calls) >= 10](x, sigma)

    mixed = decode(model, denoise(model, changing, [seed]))[0].astype(np.float32)
    return all(float(np.abs(mixed - p).mean()) > 1.0 for p in pictures)


def features(app: App, count: int, seed: int = 21) -> dict[str, float]:
    """What the program does with the checkpoint, each over `count` drawn pictures or prompts.

    Inpainting puts a red star where something else stood; img2img at 0.4 and the second pass keep the layout.
    """
    rng = random.Random(seed)
    results: dict[str, list[bool]] = {"inpainting": [], "img2img": [], "hires": []}
    for i in watched(range(count), "features"):
        shown = objects(_inpainted(app, draw(_plain(rng)), i))
        results["inpainting"].append(("red", "star") in {(f.colour, f.shape) for f in shown})
        scene = invent(rng, styles=("flat",))
        given, said = draw(scene), caption(scene, rng)
        again = Img2Img(prompt=said, init_images=(Image.fromarray(given),), denoising_strength=0.4, seed=i)
        results["img2img"].append(alike(given, made(app, again)))
        first = Txt2Img(prompt=said, seed=i)
        large = made(app, replace(first, enable_hr=True, hr_upscaler="Lanczos", denoising_strength=0.5))
        results["hires"].append(alike(made(app, first), np.asarray(Image.fromarray(large).reduce(2))))
    return {name: sum(found) / len(found) for name, found in results.items()}


def made(app: App, request: Request) -> Bytes:
    """The pixels of `drawn`."""
    return np.asarray(drawn(app, request).image.convert("RGB"))


def drawn(app: App, request: Request) -> Picture:
    """What the program makes of a request at the native size; nothing is kept on disk."""
    asked = replace(request, width=SIDE, height=SIDE, do_not_save_samples=True, do_not_save_grid=True)
    picture: Picture = app.generate(asked).wait().pictures[0]
    return picture


def alike(one: Bytes, other: Bytes) -> bool:
    """Do both show as many objects in the same places, to a tenth of the side?"""
    places = [[(f.x, f.y) for f in objects(picture)] for picture in (one, other)]
    near = [any(math.dist(p, q) < 0.1 for q in places[1]) for p in places[0]]
    return len(places[0]) == len(places[1]) and all(near)


def _plain(rng: random.Random) -> Scene:
    """One object in the middle, on a plain ground that is not red."""
    while True:
        scene = invent(rng, styles=("flat",))
        if len(scene.things) == 1 and not scene.place and scene.background in BACKGROUNDS.keys() - {"red"}:
            return scene


def _inpainted(app: App, shown: Bytes, seed: int) -> Bytes:
    hole = Image.new("L", (SIDE, SIDE))
    hole.paste(255, (16, 16, SIDE - 16, SIDE - 16))
    given = (Image.fromarray(shown),)
    return made(
        app,
        Img2Img(
            prompt="a red star", seed=seed, init_images=given, mask=hole, denoising_strength=1.0, inpainting_fill=2
        ),
    )


def sheet(pictures: Sequence[Bytes], columns: int = 8, gap: int = 4) -> Image.Image:
    """Pictures side by side on one page."""
    step = SIDE + gap
    page = Image.new("RGB", (columns * step + gap, -(-len(pictures) // columns) * step + gap), "white")
    for i, picture in enumerate(pictures):
        page.paste(Image.fromarray(picture), (gap + i % columns * step, gap + i // columns * step))
    return page
