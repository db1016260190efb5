"""How the options want legends drawn."""

from __future__ import annotations

from modules.imaging.legends import Inks
from modules.settings.options import View


def inks(view: View) -> Inks:
    """The colours of texts and background."""
    return Inks(view.grid_text_active_color, view.grid_text_inactive_color, view.grid_background_color)
