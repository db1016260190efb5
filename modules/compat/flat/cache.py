"""A1111's `modules.cache`: small facts on files, remembered."""

import json
import os

from modules.compat.binding import app as _app

caches = {}


def _path():
    return _app().folders.cache / "extensions.json"


def cache(subsection):
    """A dict by name; `dump_cache` writes it."""
    if not caches:
        try:
            caches.update(json.loads(_path().read_text(encoding="utf-8")))
        except (OSError, ValueError):
            caches[""] = {}
    return caches.setdefault(subsection, {})


def dump_cache():
    """Write all."""
    _path().parent.mkdir(parents=True, exist_ok=True)
    _path().write_text(json.dumps(caches), encoding="utf-8")


def cached_data_for_file(subsection, title, filename, func):
    """What `func` says of a file, asked again once the file has changed."""
    found = cache(subsection)
    changed = os.path.getmtime(filename)
    entry = found.get(title)
    if entry is None or entry.get("mtime") != changed:
        value = func()
        if value is None:
            return None
        entry = found[title] = {"mtime": changed, "value": value}
        dump_cache()
    return entry["value"]
