"""The extensions in the folder join the program; without any, nothing of A1111's names is loaded."""

from __future__ import annotations

from pathlib import Path

from modules.app import App
from modules.compat.binding import bind


def join(app: App) -> None:
    """Load A1111's extensions, in the order of their names."""
    found = extensions_in(app.folders.data / "extensions")
    bind(app)
    if not found or any(guest for guest in app.guests):
        return
    from modules.compat.guest import Extensions

    guest = Extensions(app)
    guest.load(found)
    app.guests.append(guest)


def extensions_in(folder: Path) -> list[Path]:
    """The folders of A1111's extensions by name."""
    if not folder.is_dir():
        return []
    kept = ("scripts", "javascript", "style.css", "localizations")
    found = [one for one in folder.iterdir() if one.is_dir() and any((one / name).exists() for name in kept)]
    return sorted(found, key=lambda one: one.name.lower())
