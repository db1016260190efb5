"""The installed extensions as A1111's `extensions` lists them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from modules.compat.binding import app
from modules.host.extensions import finding, git


class Extension:
    """One of them."""

    def __init__(self, name: str, path: str, enabled: bool = True, is_builtin: bool = False, metadata: Any = None):
        self.name, self.path, self.enabled, self.is_builtin = name, path, enabled, is_builtin
        self.metadata = metadata
        self.canonical_name = metadata.name if metadata is not None else name.lower()
        self.status, self.can_update, self.have_info_from_repo = "", False, False
        self.remote = self.branch = self.commit_hash = self.version = ""
        self.commit_date: Any = None

    def read_info_from_repo(self) -> None:
        """What its repository is at."""
        at = git.state(Path(self.path))
        self.remote, self.branch, self.commit_hash, self.version = at.remote, at.branch, at.commit, at.commit[:8]
        self.commit_date = at.date or None
        self.have_info_from_repo = True

    def list_files(self, subdir: str, extension: str) -> list[Any]:
        """Its files of a kind."""
        from modules.compat.registry import ScriptFile

        folder = Path(self.path) / subdir
        return [ScriptFile(self.path, one.name, str(one)) for one in sorted(folder.glob(f"*{extension}"))]

    def check_updates(self) -> None:
        """The Extensions tab does."""

    def to_dict(self) -> dict[str, Any]:
        """What is known of it."""
        made = {name: getattr(self, name) for name in ("name", "path", "version", "branch", "remote", "enabled")}
        date = self.commit_date and datetime.datetime.fromtimestamp(self.commit_date, datetime.timezone.utc)
        return made | {"commit_hash": self.commit_hash, "commit_date": date and date.isoformat()}


def found() -> list[Extension]:
    """All in the folder, those that take part in this run enabled."""
    extensions = app().extensions
    return [_of(one, one in extensions.taken) for one in extensions.all(extensions.stored)]


def active() -> list[Extension]:
    """Those that take part."""
    return [_of(one, True) for one in app().extensions.taken]


def _of(one: finding.Extension, enabled: bool) -> Extension:
    return Extension(one.name, str(one.path), enabled, metadata=one.metadata)
