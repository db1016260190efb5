"""A1111's `modules.upscaler`."""

from modules.images import LANCZOS, NEAREST  # noqa: F401

from modules.compat.models import UpscalerData  # noqa: F401


class Upscaler:
    """The base of an extension's own upscaler."""

    name = model_path = model_name = model_url = user_path = None
    enable = True
    filter = model = None
    scalers = ()
    tile = True

    def __init__(self, create_dirs=False):
        self.scalers = []
        self.scale = 1

    def do_upscale(self, img, selected_model):
        """One pass."""
        return img

    def upscale(self, img, scale, selected_model=None):
        """Passes until the picture is large enough, then the exact size."""
        width, height = int(img.width * scale) // 8 * 8, int(img.height * scale) // 8 * 8
        for _ in range(3):
            if img.width >= width and img.height >= height:
                break
            before = img.size
            img = self.do_upscale(img, selected_model)
            if img.size == before:
                break
        return img if img.size == (width, height) else img.resize((width, height), resample=LANCZOS)

    def load_model(self, path):
        """Read it."""

    def find_models(self, ext_filter=None):
        """Files in its folder."""
        from modules.modelloader import load_models

        return load_models(self.model_path, self.model_url, self.user_path, ext_filter)

    def update_status(self, prompt):
        """Nothing to say."""


class UpscalerNone(Upscaler):
    """Unchanged."""

    name = "None"


class UpscalerLanczos(Upscaler):
    """Resampled."""

    name = "Lanczos"


class UpscalerNearest(Upscaler):
    """Resampled."""

    name = "Nearest"
