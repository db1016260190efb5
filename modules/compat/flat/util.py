"""A1111's `modules.util`: small file helpers."""

from modules.compat.files import listed as listfiles  # noqa: F401
from modules.compat.files import natural as natural_sort_key  # noqa: F401
from modules.compat.files import walked as walk_files  # noqa: F401


def html_path(filename):
    """Where A1111 kept its texts."""
    from modules import shared

    return shared.html_path(filename)


def html(filename):
    """There are none."""
    return ""


def open_folder(path):
    """Folders of the server are not opened from the page."""


def truncate_path(target_path, base_path=None):
    """The path below a folder."""
    import os

    return os.path.relpath(target_path, base_path) if base_path else target_path


def load_file_from_url(url, *, model_dir, **kwargs):
    """The file, if it is there."""
    from modules.modelloader import load_file_from_url as found

    return found(url, model_dir=model_dir, **kwargs)


def topological_sort(dependencies):
    """What depends on others comes after them."""
    import graphlib

    return list(graphlib.TopologicalSorter(dependencies).static_order())
