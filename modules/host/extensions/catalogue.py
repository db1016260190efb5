"""All extensions of a program: those that take part in this run, and what is done with the folder they lie in."""

from __future__ import annotations

import logging
import re
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modules.exceptions import ExtensionError, NotFound, ParameterError, WebuiError
from modules.host.extensions import git, updating
from modules.host.extensions.builtin import ROOT as BUILTIN
from modules.host.extensions.finding import FOLDER, Extension, File, Off, check_needs, discover, files, is_one
from modules.host.extensions.installing import install
from modules.host.extensions.preloading import preload
from modules.host.extensions.records import BEFORE, Records
from modules.host.troubles import Report, Troubles
from modules.settings.folders import Folders
from modules.settings.reach import is_open
from modules.settings.sections import Launch

log = logging.getLogger(__name__)

NAME = re.compile(r"[^\W_][\w .+-]{0,99}(?<![ .])")  # of a folder
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no files on Windows
PARTIAL = ".installing-"  # begins the name of a folder that is not whole yet


@dataclass(slots=True)
class Extensions:
    """Found at start; the methods that change the folder take effect at the next one. All may be called anywhere.

    `paths` are searched for modules by each install.py.
    """

    folders: Folders
    launch: Launch
    stored: Mapping[str, Any] = field(default_factory=dict)  # config.json at start
    paths: Sequence[Path] = ()
    troubles: Troubles = field(default_factory=Troubles)
    flags: dict[str, Any] = field(default_factory=dict)  # values of those that extensions brought
    taken: tuple[Extension, ...] = ()  # which take part in this run
    builtin: tuple[Extension, ...] = ()  # of those that come with the program
    records: Records = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)  # one change of the folder at a time

    def __post_init__(self) -> None:
        self.records = Records(self.folders.cache / "extensions.json")
        every = self._discovered(self.stored)
        check_needs(every, self.troubles.note)
        self.taken = tuple(one for one in every if one.enabled)
        self.builtin = tuple(one for one in self.builtins(self.stored) if one.enabled)

    @property
    def root(self) -> Path:
        """The folder they lie in."""
        return self.folders.data / FOLDER

    @property
    def near(self) -> bool:
        """Whether folders of this machine may be installed from."""
        return not is_open(self.launch)

    def _discovered(self, stored: Mapping[str, Any]) -> list[Extension]:
        return discover(self.root, Off.of(stored, self.launch), self.troubles.note)

    def all(self, stored: Mapping[str, Any]) -> list[Extension]:
        """All there are now; enabled are those that the next start takes, by these settings."""
        return self._discovered(stored)

    def builtins(self, stored: Mapping[str, Any]) -> list[Extension]:
        """Those that come with the program, but for one that gives way to a folder of its name."""
        off, own = Off.of(stored, self.launch), {one.name.lower() for one in self._discovered(stored)}
        found = discover(BUILTIN, replace(off, every=off.builtin), self.troubles.note)
        return [one for one in found if one.name.lower() not in own]

    def find(self, name: str) -> Extension:
        """The one in the folder of that name. NotFound."""
        for one in self._discovered(self.stored):
            if one.name == name:
                return one
        raise NotFound(f"There is no extension {name[:80]!r} in {self.root}.")

    # At start

    def preload(self, words: list[str]) -> list[str]:
        """Read the flags that they add out of the command line: what is left. ParameterError for a bad value."""
        self.flags, rest = preload(self.taken, words, self.troubles.note)
        return rest

    def update_all(self) -> None:
        """Bring those that follow a branch up to date; whose origin cannot be asked is noted and stays as it is."""
        for one in self.taken:
            at = git.state(one.path)
            if at.remote and not at.pinned:
                try:
                    self.update(one.name)
                except WebuiError as error:
                    self.troubles.note(one.name, "being updated", Report(str(error)))

    def install_all(self) -> None:
        """Run the install.py of those that changed; who fails is noted, and loaded all the same."""
        for one in () if self.launch.skip_install else self.taken:
            self.installed(one)

    def installed(self, extension: Extension) -> str:
        """Run its install.py if it changed; what went wrong, in a sentence, or nothing."""
        try:
            install(extension, self.records, self.folders.cache, self.paths)
        except (ExtensionError, OSError) as error:
            return self.troubles.note(extension.name, "in its install.py", error)
        return ""

    def files(self, folder: str, *suffixes: str) -> list[File]:
        """The files of a folder of each that takes part, in the order they asked for."""
        return files(self.taken, folder, suffixes, self.troubles.note)

    def fine(self, extension: Extension) -> None:
        """It could be loaded: an update is kept."""
        if self.records.get(extension.name, BEFORE):
            self.records.put(extension.name, BEFORE, "")

    def roll_back(self, extension: Extension) -> bool:
        """It could not be loaded: undo an update that was made since it last could. Whether there was one."""
        before = self.records.get(extension.name, BEFORE)
        self.records.put(extension.name, BEFORE, "")
        if not before:
            return False
        now = git.commit_of(extension.path)
        try:
            updating.back(extension.path, before)
        except WebuiError as error:
            self.troubles.note(extension.name, "going back to the version before its update", error)
            return False
        for name, module in list(sys.modules.items()):  # of the version that is gone
            path = getattr(module, "__file__", None)
            if path and Path(path).is_relative_to(extension.path):
                del sys.modules[name]
        told = Report(f"its update to {now[:8]} could not be loaded, so it is back at {before[:8]}.")
        self.troubles.note(extension.name, "after its update", told)
        self.installed(extension)
        return True

    # The folder

    def add(self, url: str, name: str = "", branch: str = "") -> Extension:
        """Copy one from its repository, into a folder of that name or the repository's. WebuiError where that fails."""
        url, branch = git.address(url, self.near), git.branch(branch.strip())
        name = plain(name.strip() or re.split(r"[/:\\]", url.rstrip("/"))[-1].removesuffix(".git"))
        with self._lock:
            for one in self._discovered(self.stored):
                if one.name.lower() == name.lower():
                    raise ParameterError(f"There is an extension {one.name!r} already; give another name.")
                if _same(git.state(one.path).remote, url):
                    raise ParameterError(f"It is installed already, in the folder {one.name!r}.")
            target, partial = self.root / name, self.root / f"{PARTIAL}{name}"
            if target.exists():
                raise ParameterError(f"There is a folder {target} already; remove it, or give another name.")
            self.root.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(partial, ignore_errors=True)
            try:
                git.clone(url, partial, branch, self.near)
                if not is_one(partial):
                    raise ParameterError(f"{git.shown(url)} holds no extension: there is no scripts folder in it.")
                partial.rename(target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        log.info("Installed the extension %s from %s", name, git.shown(url))
        return self.find(name)

    def update(self, name: str) -> bool:
        """Bring it to the newest commit of its branch; whether there was one. It is undone if that cannot be loaded."""
        extension = self.find(name)
        with self._lock:
            before, now = updating.update(extension.path, self.near)
            if before != now and not self.records.get(name, BEFORE):
                self.records.put(name, BEFORE, before)
        return before != now

    def pin(self, name: str, commit: str) -> None:
        """Hold it at a commit; an empty one lets it follow its branch again."""
        self._moved(self.find(name), lambda path: updating.pin(path, commit.strip(), self.near))

    def move(self, name: str, commit: str, branch: str) -> None:
        """Bring it to a commit of its branch, which it follows from there on; without a branch it is pinned there."""
        self._moved(self.find(name), lambda path: updating.move(path, commit, branch, self.near))

    def _moved(self, extension: Extension, act: Callable[[Path], None]) -> None:
        """Where it was is remembered: it goes back there if it cannot be loaded."""
        with self._lock:
            before = git.commit_of(extension.path)
            act(extension.path)
            if git.commit_of(extension.path) != before and not self.records.get(extension.name, BEFORE):
                self.records.put(extension.name, BEFORE, before)

    def check(self, name: str) -> str:
        """Whether there is something newer, in a word or in a sentence that says why nobody knows."""
        try:
            return updating.check(self.find(name).path, self.near)
        except WebuiError as error:
            return str(error)


def plain(name: str) -> str:
    """A name that is one folder and nothing else. ParameterError."""
    if not NAME.fullmatch(name) or RESERVED.fullmatch(name) or ".." in name:
        raise ParameterError(f"{name[:80]!r} is no name for a folder; give one of letters, digits, - and _.")
    return name


def _same(one: str, other: str) -> bool:
    return bool(one) and one.rstrip("/").removesuffix(".git").lower() == other.rstrip("/").removesuffix(".git").lower()
