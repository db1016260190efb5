"""A1111's `modules.masking`: parts of masks."""


def get_crop_region(mask, pad=0):
    """(x1, y1, x2, y2) of all that is not black."""
    from modules.compat.pictures import region

    found = region(mask, pad)
    return found if found is not None else (0, 0, 0, 0)


def get_crop_region_v2(mask, pad=0):
    """The same; None where all is black."""
    from modules.compat.pictures import region

    return region(mask, pad)


def expand_crop_region(crop_region, processing_width, processing_height, image_width, image_height):
    """Grown to the proportions of the size it is drawn in."""
    from modules.imaging.masks import Region, in_proportion

    found = in_proportion(Region(*crop_region), processing_width, processing_height, (image_width, image_height))
    return found.left, found.top, found.right, found.bottom


def fill(image, mask):
    """The masked part in the colours around it."""
    from modules.imaging.masks import filled

    return filled(image.convert("RGB"), mask)
