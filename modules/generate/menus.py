"""The live menus: what there is to choose from now, by the names that Specs use."""

from __future__ import annotations

from collections.abc import Callable

from modules.generate.stages import LATENT_MODES
from modules.prompts.stylefiles import Styles
from modules.sampling.tables import sampler_names, schedule_names
from modules.settings.options import Options
from modules.weights.library import Library
from modules.weights.networks.shelf import Shelves
from modules.weights.upscalers.catalogue import Upscalers
from modules.weights.vaechoice import AUTOMATIC, NONE


def menus(
    options: Options,
    library: Library,
    shelves: Shelves,
    upscalers: Upscalers,
    styles: Styles,
    languages: Callable[[], list[str]],
) -> dict[str, Callable[[], list[str]]]:
    """Each is asked whenever somebody looks."""

    def samplers() -> list[str]:
        hidden = options.view().hide_samplers
        return [name for name in sampler_names() if name not in hidden]

    return {
        "samplers": samplers,
        "all samplers": sampler_names,
        "options": lambda: [name for name, spec in options.specs.items() if not spec.hidden],
        "schedulers": schedule_names,
        "checkpoints": lambda: [one.title for one in library.checkpoints()],
        "vaes": lambda: [AUTOMATIC, NONE, *(one.path.name for one in shelves.vaes.entries())],
        "vae files": lambda: [one.path.name for one in shelves.vaes.entries()],
        "upscalers": upscalers.names,
        "hires upscalers": lambda: [*LATENT_MODES, *upscalers.names()],
        "styles": lambda: list(styles.all()),
        "localizations": languages,
    }
