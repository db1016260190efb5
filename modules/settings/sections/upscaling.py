"""How pictures are made larger, and what the Extras tab does."""

from dataclasses import dataclass

from modules.declare import Range, param

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Upscaling:
    """Upscaling."""

    ESRGAN_tile: int = param(192, "Tile size for ESRGAN upscalers", slider=Range(0, 512, 16), valid=Range(0, 8192), doc="0 = the whole picture at once.")
    ESRGAN_tile_overlap: int = param(8, "Tile overlap for ESRGAN upscalers", slider=Range(0, 48), valid=Range(0, 512), doc="Low values = visible seam.")
    DAT_tile: int = param(192, "Tile size for DAT upscalers", slider=Range(0, 512, 16), valid=Range(0, 8192), doc="0 = the whole picture at once.")
    DAT_tile_overlap: int = param(8, "Tile overlap for DAT upscalers", slider=Range(0, 48), valid=Range(0, 512), doc="Low values = visible seam.")
    SWIN_tile: int = param(192, "Tile size for all SwinIR", slider=Range(0, 512, 16), valid=Range(0, 8192), doc="0 = the whole picture at once.")
    SWIN_tile_overlap: int = param(8, "Tile overlap for all SwinIR", slider=Range(0, 48), valid=Range(0, 512), doc="Low values = visible seam.")
    upscaler_for_img2img: str = param("None", "Upscaler for img2img", choices="upscalers")
    set_scale_by_when_changing_upscaler: bool = param(False, "Automatically set the Scale by factor based on the name of the selected Upscaler")


@dataclass(frozen=True, kw_only=True, slots=True)
class Postprocessing:
    """Postprocessing."""

    postprocessing_operation_order: list[str] = param([], "Postprocessing operation order", doc="Names of operations; those that are not named follow in their usual order.")
    postprocessing_existing_caption_action: str = param("Ignore", "Action for existing captions", choices=("Ignore", "Keep", "Prepend", "Append"),
                                                        doc="Ignore: the new caption takes its place. Keep: it stays. Prepend, Append: it stays before, or after, the new one.")
