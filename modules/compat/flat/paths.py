"""A1111's `modules.paths`: where things lie."""

from modules.compat.binding import facade as _facade
from modules.compat.places import PLACES as _PLACES

paths = {}
cwd = None


def mute_sdxl_imports():
    """Nothing to mute."""


_facade(__name__, _PLACES)
