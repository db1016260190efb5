"""A1111's `modules.extensions`: those that are installed."""

from modules.compat.binding import facade as _facade
from modules.compat.installed import Extension, active, found  # noqa: F401


def list_extensions():
    """Nothing to do: the folder is looked at."""


def find_extension(filename):
    """The extension that a file belongs to."""
    from pathlib import Path

    return next((one for one in found() if Path(filename).is_relative_to(one.path)), None)


_facade(
    __name__,
    {
        "extensions": lambda app: found(),
        "extension_paths": lambda app: {one.path: one for one in found()},
        "loaded_extensions": lambda app: {one.canonical_name: one for one in found()},
        "extensions_dir": lambda app: str(app.folders.data / "extensions"),
        "extensions_builtin_dir": lambda app: __import__("modules.paths").paths.extensions_builtin_dir,
    },
)
