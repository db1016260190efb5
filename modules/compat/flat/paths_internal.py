"""A1111's `modules.paths_internal`: where things lie."""

from modules.compat.binding import facade as _facade
from modules.compat.places import PLACES as _PLACES

_facade(__name__, _PLACES)
