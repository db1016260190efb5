"""Pictures made larger: A1111's rule for every upscaler, and the upscalers that are plain resampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PIL import Image

from modules.exceptions import ParameterError

Enlarge = Callable[[Image.Image, float], Image.Image]  # by a factor, or by what factor it can
LARGEST = 2**28  # pixels of a picture, 0.8 GB
PASSES = 3  # of an upscaler that enlarges by less than is asked for
UNIT = 8  # sides become multiples of it


def upscale(image: Image.Image, factor: float, enlarge: Enlarge) -> Image.Image:
    """Enlarge until the size is reached, then shrink to it: `factor` times as large, down to a multiple of 8.

    ParameterError if that is too large for any memory.
    """
    width, height = (max(UNIT, int(side * factor // UNIT) * UNIT) for side in image.size)
    bounded(width, height)
    for number in range(PASSES):
        reached = image.width >= width and image.height >= height
        if reached and (number > 0 or factor != 1):  # at factor 1 an upscaler is wanted for what else it does
            break
        before = image.size
        image = enlarge(image, factor)
        if image.size == before:
            break
    return image if image.size == (width, height) else _lanczos(image, width, height)


def fit(image: Image.Image, width: int, height: int, enlarge: Enlarge | None) -> Image.Image:
    """The image at exactly this size. Only what has to grow is enlarged; without `enlarge`, by Lanczos."""
    factor = max(width / image.width, height / image.height)
    if enlarge is not None and factor > 1:
        image = upscale(image, factor, enlarge)
    return image if image.size == (width, height) else _lanczos(image, width, height)


def bounded(width: int, height: int) -> None:
    """ParameterError for a size that is too large for any memory."""
    if width * height > LARGEST:
        raise ParameterError(
            f"A picture of {width}x{height} is more than the {LARGEST // 10**6} megapixels that can be made; "
            "choose a smaller size."
        )


def _lanczos(image: Image.Image, width: int, height: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _resampled(how: Image.Resampling) -> Enlarge:
    def enlarge(image: Image.Image, factor: float) -> Image.Image:
        return image.resize((max(1, int(image.width * factor)), max(1, int(image.height * factor))), how)

    return enlarge


RESAMPLERS: Mapping[str, Enlarge] = {
    "Lanczos": _resampled(Image.Resampling.LANCZOS),
    "Nearest": _resampled(Image.Resampling.NEAREST),
}
