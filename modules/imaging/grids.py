"""Many pictures on one sheet."""

import math
from collections.abc import Sequence

from PIL import Image

from modules.exceptions import ParameterError
from modules.imaging.pixels import color, flatten

MAX_MEGAPIXELS = 200


def shape(count: int, batch_size: int, rows: int = -1, prevent_empty: bool = False) -> tuple[int, int]:
    """Choose (rows, columns) for `count` pictures.

    rows above 0 is taken as it is, 0 means one row per batch member, -1 the rounded square root of the count or, with
    prevent_empty, its largest divisor at or below the root; never more rows than pictures.
    """
    if count < 1:
        raise ParameterError("A grid needs at least one picture.")
    root = math.isqrt(count)
    if rows == 0:
        rows = max(1, batch_size)
    elif rows < 0 and prevent_empty:
        rows = next(divisor for divisor in range(root, 0, -1) if count % divisor == 0)
    elif rows < 0:
        rows = round(math.sqrt(count))
    rows = min(rows, count)
    return rows, math.ceil(count / rows)


def grid(
    images: Sequence[Image.Image],
    rows: int,
    cols: int | None = None,
    background: str = "#ffffff",
    *,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Image.Image:
    """Lay the images out row by row as one RGB image; each is centred in a cell of the largest width and height.

    Raises ParameterError if they do not fit rows x cols or the sheet would be larger than max_megapixels.
    """
    if not images or rows < 1:
        raise ParameterError("A grid needs at least one picture and one row.")
    cols = math.ceil(len(images) / rows) if cols is None else cols
    if rows * cols < len(images):
        raise ParameterError(f"{len(images)} pictures do not fit a grid of {rows} x {cols}; ask for more rows.")
    width, height = max(image.width for image in images), max(image.height for image in images)
    megapixels = cols * width * rows * height / 1e6
    if megapixels > max_megapixels:
        raise ParameterError(
            f"A grid of {cols * width} x {rows * height} pixels ({megapixels:.0f} megapixels) is larger than the "
            f"{max_megapixels:g} allowed; put fewer or smaller pictures in it."
        )
    sheet = Image.new("RGB", (cols * width, rows * height), color(background))
    for index, image in enumerate(images):
        row, col = divmod(index, cols)
        corner = (col * width + (width - image.width) // 2, row * height + (height - image.height) // 2)
        sheet.paste(flatten(image, background), corner)
    return sheet
