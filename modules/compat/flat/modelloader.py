"""A1111's `modules.modelloader`: model files in folders; nothing is fetched unasked."""

import os

from modules.compat.files import no_download, walked
from modules.compat.stubs import stub


def load_file_from_url(url, *, model_dir, progress=True, file_name=None, hash_prefix=None):
    """The file, if it is there."""
    path = os.path.abspath(os.path.join(model_dir, file_name or os.path.basename(url.split("?")[0])))
    if os.path.exists(path):
        return path
    os.makedirs(model_dir, exist_ok=True)
    raise no_download(url.split("?")[0], model_dir)


def load_models(
    model_path, model_url=None, command_path=None, ext_filter=None, download_name=None, ext_blacklist=None, **kwargs
):
    """The files of a folder."""
    found = []
    for place in filter(None, (command_path, model_path)):
        if os.path.isdir(place):
            found += [
                one for one in walked(place, ext_filter) if not ext_blacklist or not one.endswith(tuple(ext_blacklist))
            ]
    return found


def friendly_name(file):
    """Without folder and suffix."""
    return os.path.splitext(os.path.basename(file))[0]


def load_upscalers():
    """The program lists them."""


def cleanup_models():
    """Nothing is moved."""


__getattr__ = stub(__name__)
