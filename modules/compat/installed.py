"""The installed extensions as A1111's `extensions` lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.compat.binding import app
from modules.compat.registry import REGISTRY


class Extension:
    """One of them."""

    def __init__(self, name: str, path: str, enabled: bool = True, is_builtin: bool = False):
        self.name, self.path, self.enabled, self.is_builtin = name, path, enabled, is_builtin
        self.canonical_name = name.lower()
        self.status, self.can_update, self.have_info_from_repo = "", False, False
        self.remote = self.branch = self.commit_hash = self.version = ""
        self.commit_date: Any = None
        self.metadata: Any = None

    def read_info_from_repo(self) -> None:
        """Nothing is asked of git here."""
        self.have_info_from_repo = True

    def list_files(self, subdir: str, extension: str) -> list[Any]:
        """Its files of a kind."""
        from modules.compat.registry import ScriptFile

        folder = Path(self.path) / subdir
        return [ScriptFile(self.path, one.name, str(one)) for one in sorted(folder.glob(f"*{extension}"))]

    def check_updates(self) -> None:
        """The Extensions tab does."""


def found() -> list[Extension]:
    """All in the folder, those that are loaded enabled."""
    made = {name: Extension(name, str(path)) for name, path in REGISTRY.folders.items()}
    root = app().folders.data / "extensions"
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if path.is_dir() and path.name not in made:
            made[path.name] = Extension(path.name, str(path), enabled=False)
    return list(made.values())


def active() -> list[Extension]:
    """Those that are loaded."""
    return [one for one in found() if one.enabled]
