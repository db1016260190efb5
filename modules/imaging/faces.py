"""A face cut out of a picture upright and at one size, and put back where it was."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SIDE = 512  # pixels of a face cut out
# Where eyes, nose and corners of the mouth lie in it (left before right): the mean of the FFHQ data set.
TEMPLATE = np.array(
    [
        (192.98138, 239.94708),
        (318.90277, 240.1936),
        (256.63416, 314.01935),
        (201.26117, 371.41043),
        (313.08905, 371.15118),
    ]
)
BEYOND = (135, 133, 132)  # colour of what lies outside the picture
RIM = SIDE // 20  # pixels at the face's edge that are not put back, and as many again over which it fades

Points = NDArray[np.floating]  # [5,2], x before y
Matrix = NDArray[np.floating]  # [2,3], x' = M [x y 1]


def similarity(points: Points, targets: Points) -> Matrix:
    """Rotation, scale and shift that bring points nearest to their targets (Umeyama 1991, eqs. 34 to 43)."""
    mean, target_mean = points.mean(0), targets.mean(0)
    centred, target_centred = points - mean, targets - target_mean
    u, d, vt = np.linalg.svd(target_centred.T @ centred / len(points))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = (d * sign).sum() / centred.var(0).sum()
    return np.hstack([scale * rotation, (target_mean - scale * rotation @ mean)[:, None]])


def inverse(matrix: Matrix) -> Matrix:
    """The way back."""
    back = np.linalg.inv(matrix[:, :2])
    return np.hstack([back, -back @ matrix[:, 2:]])


def cut_out(image: Image.Image, matrix: Matrix) -> Image.Image:
    """The face of an RGB picture, `matrix` leading from the picture's pixels to the face's."""
    return _warped(image, inverse(matrix), (SIDE, SIDE), BEYOND)


def put_back(image: Image.Image, face: Image.Image, matrix: Matrix) -> Image.Image:
    """The picture with the face where it was cut out, its edge faded."""
    mask = Image.new("L", (SIDE, SIDE))
    inner = SIDE - 2 * (2 * RIM)
    mask.paste(255, (2 * RIM, 2 * RIM, 2 * RIM + inner, 2 * RIM + inner))
    mask = mask.filter(ImageFilter.GaussianBlur(RIM / 2))
    laid = _warped(face, matrix, image.size, (0, 0, 0))
    return Image.composite(laid, image, _warped(mask, matrix, image.size, 0))


def _warped(image: Image.Image, back: Matrix, size: tuple[int, int], beyond: tuple[int, ...] | int) -> Image.Image:
    """The image transformed; `back` leads from the new pixels to the old ones."""
    # Pillow takes the place of a pixel's corner, landmarks are places of its middle.
    shifted = back.copy()
    shifted[:, 2] += 0.5 - back[:, :2] @ (0.5, 0.5)
    coefficients = tuple(float(value) for value in shifted.flatten())
    how = Image.Resampling.BILINEAR
    return image.transform(size, Image.Transform.AFFINE, coefficients, how, fillcolor=beyond)
