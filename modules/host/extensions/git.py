"""The system's git on extensions' folders: no shell, no prompts, no argument that could be an option, few protocols."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from modules.exceptions import ExtensionError, ParameterError

LOCAL, NETWORK = 60, 900  # seconds
LONGEST = 500  # characters of an address
SECURE = ("https", "ssh")
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]")
SCP = re.compile(r"(?P<user>[A-Za-z0-9][\w.-]*)@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[\w.~/][\w.~/+-]*)")
BRANCH = re.compile(r"(?!.*(\.\.|//|@\{|\.lock(/|$)))[A-Za-z0-9_][\w./+-]{0,199}(?<![./])")
COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
CALM = (  # whatever the repository's own configuration says
    "--no-pager", "-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false", "-c", "core.gitProxy=",
    "-c", "protocol.ext.allow=never", "-c", "submodule.recurse=false", "-c", "user.name=webui",
    "-c", "user.email=webui@localhost", "-c", "advice.detachedHead=false", "-c", "gc.auto=0",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """What a folder is at; empty texts where it is no repository of its own."""

    commit: str = ""
    date: int = 0  # of the commit, seconds since 1970
    branch: str = ""  # empty where a commit is pinned
    remote: str = ""

    @property
    def pinned(self) -> bool:
        """Whether it stays at its commit."""
        return bool(self.commit) and not self.branch


def address(text: str, near: bool) -> str:
    """An address that git may be given. `near`: folders of this machine may be meant. ParameterError."""
    text = text.strip()
    good = 0 < len(text) <= LONGEST and text.isprintable() and not re.search(r"\s", text) and text[0] != "-"
    if good and SCP.fullmatch(text):
        return text
    if good and near and (path := _folder(text)) is not None:
        return str(path)
    parts = urlsplit(text) if good else None
    if parts and parts.scheme in SECURE and _reaches(parts.netloc) and len(parts.path) > 1:
        return text
    here = ", or on a server that only this machine reaches a folder's path" if near else ""
    raise ParameterError(
        f"No extension can be had from {shown(text)[:80]!r}: give a repository's address that begins with https:// or "
        f"ssh://{here}."
    )


def _folder(text: str) -> Path | None:
    path = Path(urlsplit(text).path) if text.startswith("file:///") else Path(text)
    return path if path.is_absolute() and path.is_dir() else None


def _reaches(netloc: str) -> bool:
    host = netloc.rpartition("@")[2]
    name = re.sub(r":\d{1,5}$", "", host)
    user = netloc.rpartition("@")[0]
    return bool(HOST.fullmatch(name)) and not user.startswith("-")


def branch(text: str) -> str:
    """A branch's name. ParameterError."""
    if text and not BRANCH.fullmatch(text):
        raise ParameterError(f"{text[:80]!r} is no name of a branch; leave it empty for the usual one.")
    return text


def shown(url: str) -> str:
    """An address without the password that may stand in it."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", url)


def git(folder: Path, *words: str, near: bool = True, timeout: float = LOCAL) -> str:
    """What git answers there. ExtensionError with its own last words where it fails."""
    program = shutil.which("git")
    if program is None:
        raise ExtensionError("There is no git on this machine; install it, or copy extensions into the folder by hand.")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join((*SECURE, "file") if near else SECURE),
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "LC_ALL": "C",
    }
    command = [program, *CALM, "-C", str(folder), *words]
    try:
        made = subprocess.run(
            command,
            env=kept | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ExtensionError(
            f"git did not end within {timeout:.0f} seconds; look whether the address answers."
        ) from error
    if made.returncode:
        last = (made.stderr.strip().splitlines() or [f"it ended with {made.returncode}"])[-1]
        raise ExtensionError(f"git {words[0]} failed: {shown(last)[:300]}")
    return made.stdout


def clone(url: str, target: Path, wanted: str, near: bool) -> None:
    """A new copy with its submodules; `wanted` is a branch or nothing."""
    chosen = [f"--branch={wanted}"] if wanted else []
    words = ["clone", "--quiet", "--no-hardlinks", "--single-branch", *chosen, "--", url, str(target)]
    git(target.parent, *words, near=near, timeout=NETWORK)
    submodules(target, near)


def submodules(folder: Path, near: bool) -> None:
    """Bring them to where the commit wants them."""
    if (folder / ".gitmodules").is_file():
        git(folder, "submodule", "--quiet", "update", "--init", "--recursive", "--force", near=near, timeout=NETWORK)


def state(folder: Path) -> State:
    """What the folder is at; nothing of it is run."""
    if not (folder / ".git").exists():
        return State()
    try:
        head = git(folder, "cat-file", "commit", "HEAD")
        commit = git(folder, "rev-parse", "HEAD").strip()
    except ExtensionError:
        return State()
    date = re.search(r"^committer .* (\d+) [+-]\d+$", head, re.MULTILINE)
    branch = _asked(folder, "symbolic-ref", "--short", "-q", "HEAD")
    remote = _asked(folder, "config", "--local", "--get", "remote.origin.url")
    return State(commit, int(date[1]) if date else 0, branch, remote)


def commit_of(folder: Path) -> str:
    """The commit alone, read from the files without git; empty where they do not tell."""
    try:
        head = (folder / ".git" / "HEAD").read_text(encoding="utf-8").strip()
        name = head.removeprefix("ref: ")
        if name == head:
            return head
        loose = folder / ".git" / name
        if loose.is_file() and ".." not in name:
            return loose.read_text(encoding="utf-8").strip()
        packed = (folder / ".git" / "packed-refs").read_text(encoding="utf-8")
        return next((line.split()[0] for line in packed.splitlines() if line.endswith(f" {name}")), "")
    except (OSError, ValueError):
        return ""


def _asked(folder: Path, *words: str) -> str:
    try:
        return git(folder, *words).strip()
    except ExtensionError:
        return ""
