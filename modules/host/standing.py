"""What stands when a program is built: the scripts of our own, and nobody who listens."""

from __future__ import annotations

from collections.abc import Callable

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


def standing(
    options: Options,
    catalogs: Catalogs,
    folders: Folders,
    planner: Callable[[Request], Plan],
    scaler: Callable[[str, View, Progress], Scaler],
    troubles: Troubles,
) -> tuple[Scripts, Events]:
    """Scripts that plan by `planner` and enlarge by `scaler`, and the events beside them; both note in `troubles`."""
    scripts = Scripts(troubles, Means(planner=planner, folders=folders, catalogs=catalogs, scaler=scaler))
    for script in builtin.scripts(options, catalogs, scripts.axes):
        scripts.add(script)
    return scripts, Events(troubles)
