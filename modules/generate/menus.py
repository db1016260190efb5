"""The live menus: what there is to choose from now, by the names that Specs use."""

from __future__ import annotations

from collections.abc import Callable

from modules.generate.stages import LATENT_MODES
from modules.prompts.stylefiles import Styles
from modules.sampling.tables import sampler_names, schedule_names
from modules.weights.library import Library
from modules.weights.networks.shelf import Shelves
from modules.weights.upscalers.catalogue import Upscalers
from modules.weights.vaechoice import AUTOMATIC, NONE


def menus(
    library: Library, shelves: Shelves, upscalers: Upscalers, styles: Styles, languages: Callable[[], list[str]]
) -> dict[str, Callable[[], list[str]]]:
    """Each is asked whenever somebody looks."""
    return {
        "samplers": sampler_names,
        "schedulers": schedule_names,
        "checkpoints": lambda: [one.title for one in library.checkpoints()],
        "vaes": lambda: [AUTOMATIC, NONE, *(one.path.name for one in shelves.vaes.entries())],
        "vae files": lambda: [one.path.name for one in shelves.vaes.entries()],
        "upscalers": upscalers.names,
        "hires upscalers": lambda: [*LATENT_MODES, *upscalers.names()],
        "styles": lambda: list(styles.all()),
        "localizations": languages,
    }
