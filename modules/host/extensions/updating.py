"""An extension's repository brought to a newer commit, held at one, or put back; what was changed by hand is kept."""

from __future__ import annotations

import re
from pathlib import Path

from modules.exceptions import ExtensionError, ParameterError
from modules.host.extensions.git import COMMIT, NETWORK, State, address, branch, git, state, submodules

LATEST, NEWER = "latest", "new commits"
HEADS = "refs/heads/"
ANSWER = 60  # seconds for an origin to say what it has


def check(folder: Path, near: bool) -> str:
    """Whether its origin has something newer. ExtensionError where that cannot be known."""
    at = _known(folder)
    newest = _newest(folder, at, near)[1]
    return LATEST if newest == at.commit or _holds(folder, newest) else NEWER


def update(folder: Path, near: bool) -> tuple[str, str]:
    """Take the newest commit of its branch: (commit before, commit now). ParameterError for one that is pinned."""
    at = _known(folder)
    if at.pinned:
        raise ParameterError(f"{folder.name} is pinned to {at.commit[:8]}; empty its pin to update it.")
    git(folder, "fetch", "--quiet", "--", _origin(at, near), f"{HEADS}{at.branch}", near=near, timeout=NETWORK)
    newest = git(folder, "rev-parse", "FETCH_HEAD").strip()
    if newest != at.commit and not _holds(folder, newest):
        _go(folder, newest, at.branch, near)
    return at.commit, state(folder).commit


def pin(folder: Path, commit: str, near: bool) -> None:
    """Hold it at a commit, fetched if need be; an empty one lets it follow its branch again. ParameterError."""
    at = _known(folder)
    if not commit:
        if at.pinned:
            name, newest = _newest(folder, at, near)
            git(folder, "fetch", "--quiet", "--", _origin(at, near), f"{HEADS}{name}", near=near, timeout=NETWORK)
            _go(folder, newest, name, near)
        return
    if not COMMIT.fullmatch(commit):
        raise ParameterError(f"{commit[:80]!r} is no commit; give 7 to 64 of its hexadecimal digits.")
    if not _is_here(folder, commit):
        wanted = [commit] if len(commit) == len(at.commit) else [f"+{HEADS}*:refs/remotes/origin/*"]
        git(folder, "fetch", "--quiet", "--", _origin(at, near), *wanted, near=near, timeout=NETWORK)
    if not _is_here(folder, commit):
        raise ParameterError(f"{folder.name} has no commit {commit}.")
    _go(folder, commit, "", near)


def move(folder: Path, commit: str, wanted: str, near: bool) -> None:
    """To a commit, fetched if need be, on a branch or, without one, held there. ParameterError."""
    at = _known(folder)
    if (at.commit, at.branch) == (commit, wanted):
        return
    pin(folder, commit, near)
    if wanted:
        _go(folder, commit, branch(wanted), near)


def back(folder: Path, commit: str) -> None:
    """To a commit that it was at before, on its branch."""
    _go(folder, commit, state(folder).branch, near=False)


def _known(folder: Path) -> State:
    at = state(folder)
    if not at.commit or not at.remote:
        raise ExtensionError(f"{folder.name} did not come from a repository, so nobody can tell what is newer.")
    return at


def _origin(at: State, near: bool) -> str:
    return address(at.remote, near)


def _newest(folder: Path, at: State, near: bool) -> tuple[str, str]:
    """(branch, its commit) at the origin: of the branch it follows, else of the usual one."""
    wanted = f"{HEADS}{at.branch}" if at.branch else "HEAD"
    told = git(folder, "ls-remote", "--symref", "--", _origin(at, near), wanted, near=near, timeout=ANSWER)
    commit = re.search(rf"^([0-9a-f]{{40,64}})\t{re.escape(wanted)}$", told, re.MULTILINE)
    name = re.search(rf"^ref: {HEADS}(\S+)\tHEAD$", told, re.MULTILINE)
    if commit is None:
        raise ExtensionError(f"The origin of {folder.name} has no {at.branch or 'usual'} branch any more.")
    return at.branch or (name[1] if name else "main"), commit[1]


def _is_here(folder: Path, commit: str) -> bool:
    try:
        return git(folder, "cat-file", "-t", f"{commit}^{{commit}}").strip() == "commit"
    except ExtensionError:
        return False


def _holds(folder: Path, commit: str) -> bool:
    """Whether the folder's own commit has that one in its past."""
    try:
        git(folder, "merge-base", "--is-ancestor", commit, "HEAD")
    except ExtensionError:
        return False
    return True


def _go(folder: Path, commit: str, branch: str, near: bool) -> None:
    """Have the files of a commit, on a branch or apart from any. Changes to known files are stashed, not lost."""
    if git(folder, "status", "--porcelain", "--untracked-files=no").strip():
        git(folder, "stash", "push", "--quiet", "--message", "before the webui changed the version")
    if branch:
        git(folder, "checkout", "--quiet", "-B", branch, commit, "--")
    else:
        git(folder, "checkout", "--quiet", "--detach", commit, "--")
    submodules(folder, near)
