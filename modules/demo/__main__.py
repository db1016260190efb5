"""The command line: `python -m modules.demo train|export|extras|sheet|cards|evaluate`."""

import argparse
import json
import logging
import math
import os
import signal
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from modules.app import App, build
from modules.demo import bank, evaluate, export, extras, text, unet, vae
from modules.demo.loop import Pace
from modules.generate.request import Txt2Img
from modules.imaging.metadata import png_info
from modules.settings.sections.launch import Launch
from modules.weights.text import tokenizer

log = logging.getLogger(__name__)

PICTURES = 40000
EXTRA_PICTURES = 3000
SAMPLES = (
    "a large red circle on a blue background",
    "two yellow stars at night, watercolor",
    "a green tree on a hill",
    "a pink flower on a white background",
    "a blue house in the snow",
    "an orange moon and a yellow star at night",
    "three purple hearts on a yellow background",
    "a glowing blue ring on a black background",
    "a white cloud by the sea",
    "a red heart left of a green square on a gray background",
    "a small black cross in the top left corner, pink background",
    "four red flowers in a meadow",
)
PREVIEWS = {
    f"models/Stable-diffusion/{export.NAME}.preview.png": "a large red heart on a white background",
    f"models/Lora/{extras.STYLE}.preview.png": f"a large blue heart on a yellow background <lora:{extras.STYLE}:1>",
    f"models/Lora/{extras.OBJECT}.preview.png": f"a large red boat by the sea <lora:{extras.OBJECT}:1>",
    f"embeddings/{extras.CONCEPT}.preview.png": extras.CONCEPT,
}


def main(arguments: list[str]) -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m modules.demo", description=__doc__)
    parser.add_argument("command", choices=tuple(COMMANDS))
    parser.add_argument("--work", type=Path, default=_cache(), help="folder of the check-points (default: %(default)s)")
    parser.add_argument(
        "--models", type=Path, default=Path("models"), help="folder that export writes to (default: %(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long; the same command goes on")
    parser.add_argument("--only", choices=("vae", "decoder", "text", "unet"), help="train this step alone")
    parser.add_argument("--steps", type=int, help="length of the step that --only names, instead of the recipe's")
    parser.add_argument(
        "--pictures", type=int, default=PICTURES, help="how many the UNet learns from (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=0, help="processor threads (default: torch's choice)")
    parser.add_argument("--trials", type=int, default=160, help="prompts per group for evaluate (default: %(default)s)")
    parser.add_argument(
        "--picture", type=Path, default=Path("sheet.png"), help="where sheet writes to (default: %(default)s)"
    )
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    signal.signal(signal.SIGTERM, _leave)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    COMMANDS[chosen.command](chosen)


def train(chosen: argparse.Namespace) -> None:
    """The steps one after the other, each from where it was."""
    work: Path = chosen.work
    seen = bank.paint(work / "bank", bank.scenes(PICTURES, 5), tokenizer(), 5)
    if chosen.only in (None, "vae"):
        extra = _extra_bank(work)
        vae.train([seen, extra], work / "vae-crops.pt", _pace(vae.PACE, chosen), chosen.minutes)
        vae.polish([seen, extra], work / "vae.pt", work / "vae-crops.pt", vae.WHOLE_PACE, chosen.minutes)
    if chosen.only in (None, "decoder"):
        pace = _pace(vae.DECODER_PACE, chosen)
        both = [seen, _extra_bank(work)]
        vae.polish(both, work / "vae-decoder.pt", work / "vae.pt", pace, chosen.minutes, decoder_alone=True)
    if chosen.only in (None, "text"):
        text.train(seen, tokenizer(), work / "text.pt", _pace(text.PACE, chosen), chosen.minutes)
    if chosen.only in (None, "unet"):
        latents = vae.encode_bank(vae.load(work / "vae.pt"), seen, work / "latents.npy", chosen.pictures)
        spread = unet.spread(latents, work / "spread.npy")
        lessons, reader = unet.lessons_of(seen, latents, spread), text.load(work / "text.pt")
        paces = _pace(unet.PACE, chosen), _pace(unet.OWN_PACE, chosen)
        unet.teach(lessons, reader, tokenizer(), work / "unet.pt", paces, chosen.minutes)


def _extra_bank(work: Path) -> bank.Bank:
    return bank.paint(work / "bank-extra", bank.scenes(EXTRA_PICTURES, 7, whole=True), tokenizer(), 7)


def train_extras(chosen: argparse.Namespace) -> None:
    """The two LoRAs and the embedding, on the exported checkpoint's parts."""
    extras.train_all(chosen.work, chosen.models, tokenizer(), chosen.minutes)


def write(chosen: argparse.Namespace) -> None:
    """The checkpoint into MODELS/Stable-diffusion."""
    file = export.write(chosen.work, chosen.models / "Stable-diffusion")
    log.info("%s: %.2f MB", file, file.stat().st_size / 1e6)


def draw_sheet(chosen: argparse.Namespace) -> None:
    """A page of 48 pictures: each sample prompt with four seeds."""
    model = evaluate.open_model(_checkpoint(chosen))
    pictures = [p for prompt in SAMPLES for p in evaluate.generate(model, [prompt] * 4, range(4))]
    page: Image.Image = evaluate.sheet(pictures)
    page.save(chosen.picture)


def draw_cards(chosen: argparse.Namespace) -> None:
    """The previews beside the files, each with its parameters in it."""
    with _program(chosen) as app:
        for name, prompt in PREVIEWS.items():
            file = chosen.models.parent / name
            picture = evaluate.drawn(app, Txt2Img(prompt=prompt, seed=1))
            picture.image.save(file, pnginfo=png_info({"parameters": picture.infotext}))


@contextmanager
def _program(chosen: argparse.Namespace) -> Iterator[App]:
    """The whole program over the exported files; what it leaves behind goes."""
    with tempfile.TemporaryDirectory() as data:
        models, embeddings = chosen.models.resolve(), chosen.models.resolve().parent / "embeddings"
        flags = Launch(data_dir=data, models_dir=str(models), embeddings_dir=str(embeddings))
        app = build(replace(flags, ckpt=str(_checkpoint(chosen))))
        try:
            yield app
        finally:
            app.queue.close()


def judge(chosen: argparse.Namespace) -> None:
    """All measured shares, as JSON on the standard output."""
    model = evaluate.open_model(_checkpoint(chosen))
    tried = evaluate.trials(chosen.trials)
    fresh = bank.never_said(chosen.work / "bank", [t.prompt for t in tried], tokenizer())
    tried = [t for t in tried if t.prompt in fresh]
    log.info("%d trials with prompts that training never saw", len(tried))
    few = max(4, chosen.trials // 4)
    scores = evaluate.adherence(model, tried) | evaluate.obedience(model, few)
    with _program(chosen) as app:
        scores |= evaluate.features(app, few)
    sys.stdout.write(json.dumps({name: round(share, 3) for name, share in scores.items()}, indent=1) + "\n")


def _pace(usual: Pace, chosen: argparse.Namespace) -> Pace:
    steps = chosen.steps if chosen.only and chosen.steps else usual.steps
    return Pace(steps=steps, batch=usual.batch, rate=usual.rate, warmup=usual.warmup, decay=usual.decay)


def _checkpoint(chosen: argparse.Namespace) -> Path:
    found: Path = chosen.models / "Stable-diffusion" / f"{export.NAME}.safetensors"
    return found


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "demo-checkpoint"


def _leave(number: int, frame: types.FrameType | None) -> None:
    sys.exit(128 + number)


COMMANDS = {
    "train": train,
    "export": write,
    "extras": train_extras,
    "sheet": draw_sheet,
    "cards": draw_cards,
    "evaluate": judge,
}

if __name__ == "__main__":
    main(sys.argv[1:])
