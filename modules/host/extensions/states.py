"""Saved states of the extensions folder: which are there, at which commits, and which are on; in A1111's files."""

from __future__ import annotations

import datetime
import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modules import VERSION
from modules.exceptions import NotFound, ParameterError, WebuiError
from modules.host.extensions import git
from modules.host.extensions.catalogue import Extensions, plain

FOLDER = "config_states"  # of the data folder
MOST = 10_000_000  # bytes of a file that is read


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One extension in a state; empty texts where it was no repository."""

    name: str
    enabled: bool
    remote: str = ""
    branch: str = ""  # empty where the commit was pinned
    commit_hash: str = ""
    commit_date: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """A state: when it was saved, seconds since 1970, and its extensions by name."""

    created_at: float
    extensions: Mapping[str, Kept]


def saved(folder: Path) -> list[str]:
    """The names of all files, the newest first."""
    return sorted((one.stem for one in (folder / FOLDER).glob("*.json")), reverse=True)


def now(extensions: Extensions, stored: Mapping[str, Any]) -> Saved:
    """The state as it is, of what lies in the folder."""
    kept = {}
    for one in extensions.all(stored):
        at = git.state(one.path)
        off = [str(name).lower() for name in stored.get("disabled_extensions") or ()]
        kept[one.name] = Kept(
            name=one.name,
            enabled=one.name.lower() not in off,
            remote=git.shown(at.remote),
            branch=at.branch,
            commit_hash=at.commit,
            commit_date=at.date,
        )
    return Saved(created_at=time.time(), extensions=kept)


def save(folder: Path, name: str, state: Saved) -> str:
    """Write it: the file's name without its suffix. ParameterError for a name that is none."""
    stamp = datetime.datetime.fromtimestamp(state.created_at).strftime("%Y_%m_%d-%H_%M_%S")
    stem = f"{stamp}_{plain(name.strip() or 'Config')}"
    text = {
        "created_at": state.created_at,
        "name": name.strip() or "Config",
        "webui": {"version": VERSION},
        "extensions": {one.name: asdict(one) for one in state.extensions.values()},
    }
    path = folder / FOLDER / f"{stem}.json"
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(text, indent=4), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise WebuiError(f"{path} cannot be written: {error.strerror}.") from error
    return stem


def load(folder: Path, stem: str) -> Saved:
    """A saved one, of A1111's too. NotFound, or ParameterError for a file that is none."""
    if stem not in saved(folder):
        raise NotFound(f"There is no saved state {stem[:80]!r}; choose one of the list.")
    path = folder / FOLDER / f"{stem}.json"
    try:
        if path.stat().st_size > MOST:
            raise ValueError("it is too long")
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = {name: _kept(name, row) for name, row in found["extensions"].items() if not row.get("is_builtin")}
        return Saved(created_at=float(found.get("created_at") or 0), extensions=rows)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ParameterError(f"{path.name} holds no state of extensions that can be read ({error}).") from error


def _kept(name: str, row: Mapping[str, Any]) -> Kept:
    commit, date = str(row.get("commit_hash") or ""), row.get("commit_date")
    if commit and not git.COMMIT.fullmatch(commit):
        raise ValueError(f"{commit[:80]!r} is no commit")
    return Kept(
        name=name,
        enabled=row.get("enabled") is True,
        remote=str(row.get("remote") or ""),
        branch=re.sub(r"^HEAD$", "", str(row.get("branch") or "")),
        commit_hash=commit,
        commit_date=int(date) if isinstance(date, (int, float)) else 0,
    )


def restore(extensions: Extensions, state: Saved, stored: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Bring all that are here to their commits: (the names to switch off, a sentence for each that could not be).

    What the state does not know is switched off, as in A1111; what is no longer here is told, with its address.
    """
    here = {one.name: one for one in extensions.all(stored)}
    off = [name for name in here if name not in state.extensions or not state.extensions[name].enabled]
    failed = []
    for kept in state.extensions.values():
        if kept.name not in here:
            where = f"; install it from {kept.remote}" if kept.remote else ""
            failed.append(f"{kept.name} is not here any more{where}.")
        elif kept.commit_hash:
            try:
                extensions.move(kept.name, kept.commit_hash, kept.branch)
            except WebuiError as error:
                failed.append(f"{kept.name}: {error}")
    return sorted(off), failed
