"""Bytes reach the disk under a name that was free, whole or not at all."""

import errno
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from modules.exceptions import WebuiError
from modules.imaging.naming import sanitize

_NAME_BYTES = 210  # file systems take 255; a number, a suffix and an extension come on top
_CANNOT_WRITE = "this folder cannot be written to; change its permissions or choose another output folder"
_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or choose another output folder",
    errno.EACCES: _CANNOT_WRITE,
    errno.EPERM: _CANNOT_WRITE,
    errno.EROFS: _CANNOT_WRITE,
    errno.EEXIST: "a file stands where a folder should be; move it or choose another output folder",
    errno.ENOTDIR: "a file stands where a folder should be; move it or choose another output folder",
    errno.ENAMETOOLONG: "the name is too long; shorten the filename pattern or choose another output folder",
}


def place(folder: Path, stem: str) -> tuple[Path, str]:
    """Split a stem at its slashes into the folder it lies in, always under `folder`, and a base name, maybe empty.

    The base leaves room for a number, a suffix and an extension.
    """
    parts = [sanitize(part, replace_spaces=False, max_length=255) for part in re.split(r"[/\\]", stem)]
    parts = [part.encode("utf-8")[:_NAME_BYTES].decode("utf-8", "ignore").rstrip(" .") for part in parts]
    return folder.joinpath(*filter(None, parts[:-1])), parts[-1]


def store(folder: Path, names: Iterable[str], files: Mapping[str, bytes]) -> Path:
    """Write files, given by suffix, under the first name that is free for all of them; give the first file's path.

    The folder is made if need be. A reader sees a file empty for a moment, then whole. Raises WebuiError if the disk
    refuses or no name is free.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        contents = {folder / (name + suffix): data for suffix, data in files.items()}
        path = next(iter(contents))
        with explained(path):
            if _reserved(contents):
                _fill(contents)
                return path
    raise WebuiError(f"Every name tried for the picture in {folder} is taken; choose another output folder.")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system refuses into a WebuiError that names the path and says what to do."""
    try:
        yield
    except OSError as error:
        why = f"{error.strerror or error}; check the disk or choose another output folder"
        raise WebuiError(f"{path} could not be saved: {_ADVICE.get(error.errno or 0, why)}.") from error


def _reserved(paths: Iterable[Path]) -> bool:
    """Create all the files, empty, or none: the system lets only one of several writers do so."""
    made = []
    try:
        for path in paths:
            path.touch(exist_ok=False)
            made.append(path)
    except OSError as error:
        for path in made:
            path.unlink()
        if isinstance(error, FileExistsError):
            return False
        raise
    return True


def _fill(contents: Mapping[Path, bytes]) -> None:
    """Put the bytes into reserved files, each at one stroke; what cannot be filled is removed again."""
    waiting = list(contents)
    temporary = waiting[0].with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        for path, data in contents.items():
            temporary.write_bytes(data)
            temporary.replace(path)
            waiting.remove(path)
    except BaseException:
        for path in (temporary, *waiting):
            path.unlink(missing_ok=True)
        raise
