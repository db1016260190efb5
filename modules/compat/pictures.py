"""Pictures as A1111's `images` has them: saved by its arguments, resized by its modes, laid out with its legends."""

from __future__ import annotations

import io
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from modules.compat.binding import app
from modules.compat.models import options
from modules.imaging import files, grids, metadata, naming, pixels, resize
from modules.imaging.pixels import flatten, upright

__all__ = ["flatten", "upright"]


class FilenameGenerator:
    """Names by a pattern for one picture of `p`."""

    def __init__(self, p: Any, seed: Any, prompt: Any, image: Any, zip: bool = False, basename: str = ""):
        self.p, self.seed, self.prompt, self.image, self.basename = p, seed, prompt or "", image, basename

    def apply(self, pattern: str) -> str:
        """The pattern with its tokens replaced."""
        return str(naming.name(pattern, self._tokens()))

    def _tokens(self) -> dict[str, Any]:
        view, p = options(), self.p
        prompt = self.prompt[0] if isinstance(self.prompt, list) and self.prompt else str(self.prompt or "")
        negative = getattr(p, "negative_prompt", "") if p is not None else ""
        told = {
            "seed": str(self.seed if self.seed is not None else ""),
            "steps": str(getattr(p, "steps", "")),
            "cfg": str(getattr(p, "cfg_scale", "")),
            "width": str(self.image.width if self.image is not None else getattr(p, "width", "")),
            "height": str(self.image.height if self.image is not None else getattr(p, "height", "")),
            "sampler": str(getattr(p, "sampler_name", "")),
            "model_name": str(getattr(p, "sd_model_name", "") or ""),
            "model_hash": str(getattr(p, "sd_model_hash", "") or ""),
            "job_timestamp": datetime.now().strftime("%Y%m%d%H%M%S"),
        }
        text = naming.text_tokens(prompt, str(negative), datetime.now(), max_words=view.directories_max_prompt_words)
        return {**told, **text}


def save_image(
    image: Any,
    path: Any,
    basename: str,
    seed: Any = None,
    prompt: Any = None,
    extension: str = "png",
    info: Any = None,
    short_filename: bool = False,
    no_prompt: bool = False,
    grid: bool = False,
    pnginfo_section_name: str = "parameters",
    p: Any = None,
    existing_info: Any = None,
    forced_filename: Any = None,
    suffix: str = "",
    save_to_dirs: bool | None = None,
) -> tuple[str, str | None]:
    """Save a picture under A1111's rules; (its path, its text file's)."""
    from modules.compat.callbacks import CALLBACKS, ImageSaveParams
    from modules.generate.saving import save_options

    view = options()
    folder = Path(str(path)) if path else app().folders.output(view.outdir_samples or view.outdir_txt2img_samples)
    folder = folder if folder.is_absolute() else app().folders.output(str(folder))
    namer = FilenameGenerator(p, seed, prompt, image)
    in_dirs = (view.grid_save_to_dirs if grid else view.save_to_dirs) if save_to_dirs is None else save_to_dirs
    if in_dirs and not no_prompt:
        folder = folder / naming.folder(view.directories_filename_pattern or "[prompt_words]", namer._tokens())
    stem = _stem(namer, basename, short_filename or prompt is None, view, forced_filename) + suffix
    texts = {**(existing_info or {}), **({pnginfo_section_name: info} if info is not None else {})}
    params = ImageSaveParams(image, p, str(folder / f"{stem}.{extension}"), texts)
    CALLBACKS.run("before_image_saved", params)
    target = Path(params.filename)
    folder, stem = target.parent, target.name.removesuffix(f".{extension}")
    texts = {str(key): str(value) for key, value in params.pnginfo.items() if value is not None}
    text = texts.pop(pnginfo_section_name, None)
    wanted = save_options(view, extension)
    numbered = forced_filename is None and (grid or (view.save_images_add_number and not short_filename))
    if numbered and not basename:
        made = files.numbered_save(
            params.image, folder, stem, text, wanted, head="grid" if grid else "", extra_items=texts
        )
    else:
        made = files.save(params.image, folder, stem, text, wanted, extra_items=texts)
    image.already_saved_as = str(made)
    CALLBACKS.run("image_saved", ImageSaveParams(params.image, p, str(made), params.pnginfo))
    beside = made.with_suffix(".txt")
    return str(made), str(beside) if view.save_txt and info is not None and beside.is_file() else None


def _stem(namer: FilenameGenerator, basename: str, short: bool, view: Any, forced: Any) -> str:
    if forced is not None:
        return str(forced)
    pattern = (
        "" if short else view.samples_filename_pattern or ("[seed]" if view.save_to_dirs else "[seed]-[prompt_spaces]")
    )
    made = namer.apply(pattern) if pattern and namer.seed is not None else ""
    return "-".join(filter(None, (basename, made)))


def save_image_with_geninfo(
    image: Any, geninfo: Any, filename: str, extension: str | None = None, existing_pnginfo: Any = None, **words: Any
) -> None:
    """Write a picture under exactly this name."""
    from modules.generate.saving import save_options

    wanted = save_options(options(), (extension or Path(filename).suffix).lstrip("."))
    Path(filename).write_bytes(files.encode(image, geninfo, wanted, existing_pnginfo or {}))


def resize_image(
    resize_mode: int,
    im: Any,
    width: int,
    height: int,
    upscaler_name: Any = None,
    force_RGBA: bool = False,
) -> Any:
    """By A1111's modes; enlarged by an upscaler if one is named."""
    scale: Any = resize.lanczos
    name = upscaler_name or options().upscaler_for_img2img
    if name and name != "None" and im.width < width:
        from modules.compat.models import Scaler

        def scale(image: Any, w: int, h: int) -> Any:
            made = Scaler(name).upscale(image, max(w / image.width, h / image.height))
            return resize.lanczos(made, w, h)

    made = resize.resize(im, int(resize_mode), int(width), int(height), scale)
    return made.convert("RGBA") if force_RGBA else made


def image_grid(imgs: Any, batch_size: int = 1, rows: Any = None) -> Image.Image:
    """Pictures row by row."""
    from modules.compat.callbacks import lay_out

    view = options()
    found, columns = grids.shape(len(imgs), batch_size, view.n_rows, view.grid_prevent_empty_spots)
    if rows is not None:
        found, columns = int(rows), math.ceil(len(imgs) / int(rows))
    return grids.grid(*lay_out(imgs, found, columns), view.grid_background_color)


def read_info_from_image(image: Any) -> tuple[Any, dict[str, Any]]:
    """(The parameters, the other texts)."""
    return metadata.read_text(image)


def image_data(data: bytes) -> tuple[Any, Any]:
    """(The parameters, nothing) of a picture's or a text file's bytes."""
    try:
        return metadata.read_text(Image.open(io.BytesIO(data)))[0], None
    except OSError:
        pass
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError:
        return "", None


class GridAnnotation:
    """A line of a legend."""

    def __init__(self, text: str = "", is_active: bool = True):
        self.text, self.is_active, self.size = text, is_active, None


def draw_grid_annotations(
    im: Any, width: int, height: int, hor_texts: Any, ver_texts: Any, margin: int = 0
) -> Image.Image:
    """A grid of cells of this size with texts above its columns and beside its rows."""
    font = ImageFont.load_default(max(10, (width + height) // 25))
    view = options()
    left = 0 if not any(one.text for row in ver_texts for one in row) else width * 3 // 4
    top = max((len(column) for column in hor_texts), default=0) * (int(font.size) + 6)  # type: ignore[union-attr]
    top = top + 12 if any(one.text for column in hor_texts for one in column) else 0
    columns, rows = len(hor_texts), len(ver_texts)
    size = im.width + left + margin * (columns - 1), im.height + top + margin * (rows - 1)
    made = Image.new("RGB", size, view.grid_background_color)
    draw = ImageDraw.Draw(made)
    for column in range(columns):
        for row in range(rows):
            cell = im.crop((width * column, height * row, width * (column + 1), height * (row + 1)))
            made.paste(cell, (left + (width + margin) * column, top + (height + margin) * row))
    for column, texts in enumerate(hor_texts):
        middle = left + (width + margin) * column + width // 2
        _write(draw, font, texts, middle, top // 2)
    for row, texts in enumerate(ver_texts):
        _write(draw, font, texts, left // 2, top + (height + margin) * row + height // 2)
    return made


def _write(draw: Any, font: Any, texts: Any, x: int, y: int) -> None:
    line = int(font.size) + 6
    start = y - line * len(texts) // 2 + line // 2
    for place, one in enumerate(texts):
        colour = "#000000" if one.is_active else "#999999"
        draw.multiline_text((x, start + place * line), one.text, font=font, fill=colour, anchor="mm", align="center")


def draw_prompt_matrix(im: Any, width: int, height: int, all_prompts: Any, margin: int = 0) -> Image.Image:
    """The legend of a prompt matrix."""
    prompts = list(all_prompts[1:])
    boundary = math.ceil(len(prompts) / 2)

    def lines(some: Any) -> list[list[GridAnnotation]]:
        return [
            [GridAnnotation(text, bool(n & (1 << place))) for place, text in enumerate(some)]
            for n in range(1 << len(some))
        ]

    return draw_grid_annotations(im, width, height, lines(prompts[:boundary]), lines(prompts[boundary:]), margin)


def tiles(image: Any, tile_w: int, tile_h: int, overlap: int) -> tuple[Any, ...]:
    """Overlapping tiles: rows of (y, height, [[x, width, tile]…]), and the sizes."""
    across, down = tile_w - overlap, tile_h - overlap
    columns, rows = math.ceil((image.width - overlap) / across), math.ceil((image.height - overlap) / down)
    dx = (image.width - tile_w) / (columns - 1) if columns > 1 else 0
    dy = (image.height - tile_h) / (rows - 1) if rows > 1 else 0
    made = []
    for row in range(rows):
        y = min(int(row * dy), max(0, image.height - tile_h))
        line = []
        for column in range(columns):
            x = min(int(column * dx), max(0, image.width - tile_w))
            line.append([x, tile_w, image.crop((x, y, x + tile_w, y + tile_h))])
        made.append([y, tile_h, line])
    return made, tile_w, tile_h, image.width, image.height, overlap


def combined(grid: Any) -> Image.Image:
    """Tiles as one picture, each over the one before with a soft edge."""
    made = Image.new("RGB", (grid.image_w, grid.image_h))
    for y, height, line in grid.tiles:
        band = Image.new("RGB", (grid.image_w, height))
        for x, width, tile in line:
            band.paste(tile, (x, 0), None if x == 0 else _soft(tile.size, grid.overlap, across=True))
            del width
        made.paste(band, (0, y), None if y == 0 else _soft(band.size, grid.overlap, across=False))
    return made


def _soft(size: tuple[int, int], overlap: int, *, across: bool) -> Image.Image:
    ramp = Image.linear_gradient("L")
    mask = Image.new("L", size, 255)
    if overlap <= 0:
        return mask
    if across:
        mask.paste(ramp.rotate(90).resize((overlap, size[1])), (0, 0))
    else:
        mask.paste(ramp.resize((size[0], overlap)), (0, 0))
    return mask


def encoded(image: Any) -> bytes:
    """The picture as base64 of a file of the options' format."""
    import base64

    from modules.generate.saving import save_options

    view = options()
    text = read_info_from_image(image)[0]
    return base64.b64encode(files.encode(image, text, save_options(view, view.samples_format)))


def decoded(text: str) -> Image.Image:
    """The picture of base64, bare or as a data URI."""
    return pixels.from_base64(text)


def region(mask: Any, padding: int) -> tuple[int, int, int, int] | None:
    """(x1, y1, x2, y2) of a mask's part that is not black, and some more around it."""
    from modules.imaging.masks import region_of

    image = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
    found = region_of(image.convert("L"), padding)
    return None if found is None else (found.left, found.top, found.right, found.bottom)
