"""A1111's `modules.localization`."""

from modules.compat.binding import app
from modules.host import localizations as found

localizations = {}


def list_localizations(dirname=None):
    """Find the files of translations; the program looks for them in its own folders, whichever is named here."""
    localizations.clear()
    localizations.update({name: [str(path) for path in paths] for name, paths in _files().items()})


def localization_js(current_localization_name):
    """What gives a language's texts to the page."""
    name = current_localization_name
    return found.script(name, found.table(_files().get(name, ())))


def _files():
    return found.files(app().folders, app().extensions)
