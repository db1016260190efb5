"""Parts of A1111's processing that work on pixels and latents, for extensions that call them by themselves."""

from __future__ import annotations

from typing import Any

from modules.exceptions import ExtensionError


def create_binary_mask(image: Any, round: bool = True) -> Any:
    """The mask of any image."""
    from modules.imaging.masks import as_mask

    return as_mask(image, round)


def setup_color_correction(image: Any) -> Any:
    """What `apply_color_correction` is to match."""
    return image.copy()


def apply_color_correction(correction: Any, original_image: Any) -> Any:
    """The image in the colours of another."""
    from modules.imaging.colours import recoloured

    return recoloured(original_image.convert("RGB"), correction.convert("RGB"))


def apply_overlay(image: Any, paste_loc: Any, overlay: Any) -> Any:
    """(The image under an overlay, the image itself)."""
    from modules.imaging.masks import Region, overlaid

    if overlay is None:
        return image, image.copy()
    region = None
    if paste_loc is not None:
        x, y, width, height = paste_loc
        region = Region(x, y, x + width, y + height)
    return overlaid(image, overlay, region), image.copy()


def uncrop(image: Any, dest_size: Any, paste_loc: Any) -> Any:
    """The image at its place in an empty one."""
    from PIL import Image

    x, y, width, height = paste_loc
    made = Image.new("RGBA", dest_size)
    made.paste(image.resize((width, height), Image.Resampling.LANCZOS), (x, y))
    return made


def old_hires_fix_first_pass_dimensions(width: int, height: int) -> tuple[int, int]:
    """The first pass's size as A1111's first months had it: as many pixels as 512x512."""
    scale = (512 * 512 / (width * height)) ** 0.5
    return -int(-width * scale // 64) * 64, -int(-height * scale // 64) * 64


def noise(seed: int, shape: tuple[int, ...]) -> Any:
    """Normal noise from a seed, as the options draw it; `shape` without the batch."""
    from modules.compat.models import device, options
    from modules.sampling.rng import NoiseSource

    bare: Any = shape[1:] if len(shape) == 4 else shape
    view = options()
    made = NoiseSource(view.randn_source, (seed,), bare, device(), 0).next()
    return made if len(shape) == 4 else made[0]


def create_random_tensors(shape: Any, seeds: Any, **words: Any) -> Any:
    """The first noise of some seeds."""
    from modules.compat.models import device, options
    from modules.sampling.rng import NoiseSource

    view = options()
    return NoiseSource(
        view.randn_source, tuple(int(one) for one in seeds), tuple(shape), device(), view.eta_noise_seed_delta
    ).next()


def decode_first_stage(model: Any, x: Any) -> Any:
    """Latents as pixels, -1 to 1."""
    return model.decode_first_stage(x)


def txt2img_image_conditioning(sd_model: Any, x: Any, width: int, height: int) -> Any:
    """Of A1111's old model code."""
    raise ExtensionError("txt2img_image_conditioning belongs to A1111's old model code, which is not in this program.")
