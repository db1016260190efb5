"""Time per step of a real run against the bare UNet called in a loop, and of a run whose UNet costs nothing."""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from modules.app import build
from modules.generate.plan import request_from
from modules.settings.sections import Launch
from tests.conftest import draw_model

AIMS = {64: 1.10, 512: 1.02}


def run(app, side, steps):
    """Seconds of one whole run."""
    request = request_from(
        {"prompt": "a cat", "width": side, "height": side, "steps": steps, "sampler_name": "Euler", "seed": 1}
        | {"do_not_save_samples": True, "do_not_save_grid": True}
    )
    started = time.perf_counter()
    app.txt2img(request).wait()
    return time.perf_counter() - started


def bare(model, side, steps):
    """Seconds of the same number of UNet calls, cond and uncond in one."""
    x, context = torch.randn(2, 4, side // 8, side // 8), torch.randn(2, 77, 64)
    t = torch.full((2,), 500.0)
    with torch.inference_mode():
        started = time.perf_counter()
        for _ in range(steps):
            model.unet(x, t, context, return_dict=False)
    return time.perf_counter() - started


def measure(app, model, side, steps, rounds):
    """(ms per step here, ms per bare call, median of the ratios of neighbouring measurements)"""
    few, many = max(1, steps // 6), steps
    run(app, side, few), bare(model, side, few)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append((run(app, side, many) - run(app, side, few)) / (many - few))
        theirs.append(bare(model, side, many - few) / (many - few))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return 1000 * statistics.median(ours), 1000 * statistics.median(theirs), statistics.median(ratios)


def without_unet(app, model, side, steps, rounds):
    """Milliseconds per step of everything but the UNet, which answers what it is given; the decoder is stilled too."""
    whole, model.unet.forward = model.unet.forward, lambda x, *_, **__: (x,)
    model.vae.decode = lambda latents: torch.zeros(len(latents), 3, 8, 8)
    try:
        run(app, side, 1)
        spent = [(run(app, side, steps) - run(app, side, 1)) / (steps - 1) for _ in range(rounds)]
    finally:
        model.unet.forward = whole
        del model.vae.decode
    return 1000 * statistics.median(spent)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--threads", type=int, help="of torch; its own choice if left out")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as data:
        draw_model(Path(data) / "models/Stable-diffusion")
        app = build(Launch(data_dir=data, use_cpu=["all"]))
        run(app, 64, 1)
        if asked.threads:
            torch.set_num_threads(asked.threads)
        model = app.engine._opened().get(app.library.first())
        for side, steps in ((64, 48), (512, 4)):
            here, there, ratio = measure(app, model, side, steps, asked.rounds)
            line = (
                f"{side}x{side}: {here:.1f} ms a step, bare UNet {there:.1f} ms, ratio {ratio:.3f} (aim {AIMS[side]})\n"
            )
            sys.stdout.write(line)
        alone = without_unet(app, model, 512, 100, asked.rounds)
        sys.stdout.write(f"512x512: {alone:.2f} ms a step for everything but the UNet (aim 1)\n")
        app.queue.close()


if __name__ == "__main__":
    main()
