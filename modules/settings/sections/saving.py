"""How and where pictures are written."""

from dataclasses import dataclass

from modules.declare import Range, param

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """Saving images/grids."""

    samples_save: bool = param(True, "Always save all generated images")
    samples_format: str = param("png", "File format for images", choices=("png", "jpg", "jpeg", "webp", "avif"))
    samples_filename_pattern: str = param("", "Images filename pattern", doc="Empty: [seed] in a sub-folder, else [seed]-[prompt_spaces].")
    save_images_add_number: bool = param(True, "Add number to filename when saving")
    grid_save: bool = param(True, "Always save all generated image grids")
    grid_format: str = param("png", "File format for grids", choices=("png", "jpg", "jpeg", "webp", "avif"))
    grid_extended_filename: bool = param(False, "Add extended info (seed, prompt) to filename when saving grid")
    grid_only_if_multiple: bool = param(True, "Do not save grids consisting of one picture")
    grid_prevent_empty_spots: bool = param(False, "Prevent empty spots in grid (when set to autodetect)")
    grid_text_active_color: str = param("#000000", "Text color for image grids")
    grid_text_inactive_color: str = param("#999999", "Inactive text color for image grids")
    grid_background_color: str = param("#ffffff", "Background color for image grids")
    n_rows: int = param(-1, "Grid row count; use -1 for autodetect and 0 for it to be same as batch size", slider=Range(-1, 16), valid=Range(-1, 1000))
    enable_pnginfo: bool = param(True, "Write infotext to metadata of the generated image")
    save_txt: bool = param(False, "Create a text file with infotext next to every generated image")
    jpeg_quality: int = param(80, "Quality for saved jpeg and avif images", slider=Range(1, 100), valid=Range(1, 100))
    webp_lossless: bool = param(False, "Use lossless compression for webp images")
    export_for_4chan: bool = param(True, "Save copy of large images as JPG", doc="If the file is larger than the limit below, or a side is longer than the target.")
    img_downscale_threshold: float = param(4.0, "File size limit for the above option, MB", valid=Range(0, 10000))
    target_side_length: int = param(4000, "Width/height limit for the above option, in pixels", valid=Range(64, 100000))
    save_selected_only: bool = param(True, "When using 'Save' button, only save a single selected image")
    use_original_name_batch: bool = param(True, "Use original name for output filename during batch process in extras tab")
    use_upscaler_name_as_suffix: bool = param(False, "Use upscaler name as filename suffix in the extras tab")


@dataclass(frozen=True, kw_only=True, slots=True)
class Paths:
    """Paths for saving; relative ones start at the data folder."""

    outdir_samples: str = param("", "Output directory for images", doc="If empty, defaults to the directories below.")
    outdir_txt2img_samples: str = param("outputs/txt2img-images", "Output directory for txt2img images")
    outdir_extras_samples: str = param("outputs/extras-images", "Output directory for images from extras tab")
    outdir_grids: str = param("", "Output directory for grids", doc="If empty, defaults to the directories below.")
    outdir_img2img_samples: str = param("outputs/img2img-images", "Output directory for img2img images")
    outdir_txt2img_grids: str = param("outputs/txt2img-grids", "Output directory for txt2img grids")
    outdir_save: str = param("log/images", "Directory for saving images using the Save button")
    outdir_img2img_grids: str = param("outputs/img2img-grids", "Output directory for img2img grids")


@dataclass(frozen=True, kw_only=True, slots=True)
class Directories:
    """Saving to a directory."""

    save_to_dirs: bool = param(True, "Save images to a subdirectory")
    grid_save_to_dirs: bool = param(True, "Save grids to a subdirectory")
    directories_filename_pattern: str = param("[date]", "Directory name pattern")
    directories_max_prompt_words: int = param(8, "Max prompt words for [prompt_words] pattern", slider=Range(1, 20), valid=Range(1, 1000))
