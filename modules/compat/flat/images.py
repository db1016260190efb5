"""A1111's `modules.images`: pictures saved, resized, laid out and read."""

from collections import namedtuple

from PIL import Image, ImageFont

from modules.compat import pictures as _pictures
from modules.compat.pictures import (  # noqa: F401
    FilenameGenerator,
    GridAnnotation,
    draw_grid_annotations,
    draw_prompt_matrix,
    flatten,
    image_data,
    image_grid,
    read_info_from_image,
    resize_image,
    save_image,
    save_image_with_geninfo,
)

LANCZOS = Image.Resampling.LANCZOS
NEAREST = Image.Resampling.NEAREST
Grid = namedtuple("Grid", ["tiles", "tile_w", "tile_h", "image_w", "image_h", "overlap"])
invalid_filename_chars = '#<>:"/\\|?*\n\r\t'
max_filename_part_length = 128


def sanitize_filename_part(text, replace_spaces=True):
    """Fit to be a part of a file's name."""
    from modules.imaging.naming import sanitize

    return None if text is None else sanitize(text, replace_spaces=replace_spaces)


def get_next_sequence_number(path, basename):
    """The next number of the files in a folder."""
    from pathlib import Path

    from modules.imaging.files import next_number

    return next_number(Path(path), basename)


def get_font(fontsize):
    """Pillow's own font."""
    return ImageFont.load_default(fontsize)


def fix_image(image):
    """Upright, and of a mode that everything takes."""
    return None if image is None else fix_png_transparency(_pictures.upright(image))


def fix_png_transparency(image):
    """RGBA where a palette has a transparent colour."""
    return image.convert("RGBA") if image.mode in ("RGB", "P") and "transparency" in image.info else image


def read(fp, **kwargs):
    """A picture from a file, upright."""
    image = Image.open(fp, **kwargs)
    image.load()
    return fix_image(image)


def split_grid(image, tile_w=512, tile_h=512, overlap=64):
    """The picture cut into overlapping tiles."""
    return Grid(*_pictures.tiles(image, tile_w, tile_h, overlap))


def combine_grid(grid):
    """Tiles laid over one another with soft edges."""
    return _pictures.combined(grid)


def apply_filename_pattern(x, p, seed, prompt):
    """A name by a pattern."""
    return FilenameGenerator(p, seed, prompt, None).apply(x)
