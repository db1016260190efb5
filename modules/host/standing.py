"""What stands when a program is built: the scripts of our own, and nobody who listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PIL import Image

from modules.generate.plan import Plan
from modules.generate.request import Request
from modules.host import builtin
from modules.host.catalogue import Means, Scripts
from modules.host.events import Events
from modules.host.script import Catalogs
from modules.host.troubles import Troubles
from modules.imaging.resize import Scaler
from modules.jobs.progress import Progress
from modules.settings.folders import Folders
from modules.settings.options import Options, View


class Engine(Protocol):
    """What scripts use of the engine beside its drawing; called by the worker thread alone."""

    def scaler(self, name: str, view: View, progress: Progress) -> Scaler:
        """An upscaler by name."""
        ...

    def captions(self) -> Callable[[Image.Image], str]:
        """What describes pictures."""
        ...


def standing(
    options: Options,
    catalogs: Catalogs,
    folders: Folders,
    planner: Callable[[Request], Plan],
    engine: Engine,
    troubles: Troubles,
) -> tuple[Scripts, Events]:
    """Scripts that plan by `planner` and use the engine, and the events beside them; both note in `troubles`."""
    means = Means(
        planner=planner,
        folders=folders,
        catalogs=catalogs,
        scaler=engine.scaler,
        caption=lambda image: engine.captions()(image),
    )
    scripts = Scripts(troubles, means)
    for script in builtin.scripts(options, catalogs, scripts.axes):
        scripts.add(script)
    return scripts, Events(troubles)
