"""Wildcards and variants: `__name__` and `{a|2::b|c}` in a prompt are drawn anew for each image, by its seed."""

from __future__ import annotations

from modules.host import Writer
from modules.prompts.variants import draw
from modules.prompts.wildcards import Wildcards
from modules.settings.folders import Folders
from modules.settings.options import View


class Drawing(Writer):
    """Draws while the option for it is on; prompt and negative prompt choose apart."""

    def __init__(self, folders: Folders):
        self.wildcards = Wildcards(folders.data / "wildcards")

    def write(self, text: str, seed: int, view: View, *, negative: bool) -> tuple[str, list[str]]:
        if not view.enable_wildcards:
            return text, []
        drawn = draw(text, f"{'negative' if negative else 'prompt'} {seed}", self.wildcards.lines)
        missing = dict.fromkeys(drawn.missing)
        return drawn.text, [
            f"There is no wildcards/{name}.txt for __{name}__; it was drawn as text." for name in missing
        ]
