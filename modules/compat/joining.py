"""The extensions in the folder join the program; without any, nothing of A1111's names is loaded."""

from __future__ import annotations

from pathlib import Path

from modules.app import App
from modules.compat.binding import bind


def join(app: App) -> None:
    """Load A1111's extensions, in the order of their names."""
    bind(app)
    off = app.launch.disable_all_extensions or app.launch.disable_extra_extensions
    found = [] if off else wanted(app)
    if not found:
        return
    from modules.compat.guest import Extensions

    guest = Extensions(app)
    guest.load(found)
    app.guests.append(guest)


def wanted(app: App) -> list[Path]:
    """Those in the folder that config.json does not switch off, under A1111's names for it."""
    stored = app.options.stored()
    if stored.get("disable_all_extensions") in ("extra", "all"):
        return []
    off = stored.get("disabled_extensions")
    names = {str(name).lower() for name in off} if isinstance(off, list) else set()
    return [one for one in extensions_in(app.folders.data / "extensions") if one.name.lower() not in names]


def extensions_in(folder: Path) -> list[Path]:
    """The folders of A1111's extensions by name."""
    if not folder.is_dir():
        return []
    kept = ("scripts", "javascript", "style.css", "localizations")
    found = [one for one in folder.iterdir() if one.is_dir() and any((one / name).exists() for name in kept)]
    return sorted(found, key=lambda one: one.name.lower())
