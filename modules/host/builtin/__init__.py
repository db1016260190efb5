"""A1111's own scripts, on the door that is open to all: one file each, listed here in the order of its menu."""

from collections.abc import Callable, Sequence

from modules.host.axis import Axis
from modules.host.builtin.alternative import Alternative
from modules.host.builtin.loopback import Loopback
from modules.host.builtin.matrix import PromptMatrix
from modules.host.builtin.outpainting import OutpaintingMk2
from modules.host.builtin.poor_outpainting import PoorMansOutpainting
from modules.host.builtin.prompts_from_file import PromptsFromFile
from modules.host.builtin.sd_upscale import SDUpscale
from modules.host.builtin.xyz import XYZPlot
from modules.host.script import Catalogs, Script, Tab
from modules.settings.options import Options


def scripts(options: Options, catalogs: Catalogs, more: Callable[[Tab], Sequence[Axis]]) -> list[Script]:
    """New ones, over the options and menus of the program. `more` are axes beside the plot's own."""
    return [
        Alternative(),
        Loopback(),
        OutpaintingMk2(),
        PoorMansOutpainting(),
        PromptMatrix(),
        PromptsFromFile(),
        SDUpscale(),
        XYZPlot(options, catalogs, more),
    ]
