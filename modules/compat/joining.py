"""The extensions in the folder join the program; without any, nothing of A1111's names is loaded."""

from __future__ import annotations

from modules.app import App
from modules.compat.binding import BESIDE, Early, bind
from modules.host.extensions.catalogue import Extensions
from modules.settings.folders import Folders
from modules.settings.sections import Launch
from modules.settings.store import Store


def found(launch: Launch) -> Extensions:
    """Those that take part in this run; A1111's names speak of flags and folders from now on."""
    folders = Folders.of(launch)
    bind(None, Early(launch, folders))
    return Extensions(folders, launch, Store(folders.config).values, [BESIDE])


def join(app: App) -> None:
    """Install what they need and load them."""
    bind(app)
    if not app.extensions.taken:
        return
    from modules.compat.guest import Extensions as Guest

    if app.launch.update_all_extensions:
        app.extensions.update_all()
    app.extensions.install_all()
    guest = Guest(app)
    guest.load(app.extensions.taken)
    app.guests.append(guest)
