"""A1111's `modules.processing`: `p`, what comes of it, and the way to make pictures from within an extension."""

from modules.compat.binding import facade as _facade
from modules.compat.processed import Processed, create_infotext, program_version  # noqa: F401
from modules.compat.processing import (  # noqa: F401
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from modules.compat.running import process_images, process_images_inner  # noqa: F401
from modules.compat.tensors import (  # noqa: F401
    apply_color_correction,
    apply_overlay,
    create_binary_mask,
    create_random_tensors,
    decode_first_stage,
    old_hires_fix_first_pass_dimensions,
    setup_color_correction,
    txt2img_image_conditioning,
    uncrop,
)

opt_C = 4
opt_f = 8


def get_fixed_seed(seed):
    """The seed, or a new one for none."""
    import random

    if seed == "" or seed is None:
        seed = -1
    try:
        seed = int(seed)
    except (TypeError, ValueError):
        seed = -1
    return int(random.randrange(4294967294)) if seed == -1 else seed


def fix_seed(p):
    """Settle both seeds of `p`."""
    p.seed = get_fixed_seed(p.seed)
    p.subseed = get_fixed_seed(p.subseed)


_facade(__name__, {"opts": lambda app: __import__("modules.shared").shared.opts})
