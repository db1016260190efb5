"""`metadata.ini`: an extension's own name, what it needs, and where its files stand among those of others."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modules.host.troubles import Report

FILE = "metadata.ini"
OWN = "Extension"  # the section about the extension as a whole


@dataclass(frozen=True, slots=True)
class Wishes:
    """Of one file, or of all of a folder: names of extensions, or of their files as `extension/file.py`."""

    requires: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the file says; `files` by `folder/file` or `folder`, all in lower case."""

    name: str
    requires: tuple[str, ...] = ()
    files: Mapping[str, Wishes] = field(default_factory=dict)

    def wishes(self, folder: str, file: str) -> Wishes:
        """Of a file, with those of its whole folder."""
        both = [self.files.get(key, Wishes()) for key in (f"{folder}/{file}".lower(), folder.lower())]
        return Wishes(*(tuple(one for wish in both for one in getattr(wish, name)) for name in Wishes.__slots__))


def read(folder: Path) -> Metadata:
    """The extension's own; without the file its name is the folder's. Report where it cannot be read."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        with (folder / FILE).open(encoding="utf-8-sig") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return Metadata(folder.name.lower())
    except (OSError, ValueError, configparser.Error) as error:
        why = str(error).splitlines()[0]
        raise Report(f"{FILE} of {folder.name} cannot be read ({why}); its wishes are not heeded.") from error
    name = parser.get(OWN, "Name", fallback="").strip().lower()
    files = {
        section.strip().lower(): Wishes(*(_names(parser, section, one) for one in Wishes.__slots__))
        for section in parser.sections()
        if section != OWN
    }
    return Metadata(name or folder.name.lower(), _names(parser, OWN, "requires"), files)


def _names(parser: configparser.ConfigParser, section: str, key: str) -> tuple[str, ...]:
    """A list of names, separated by commas or blanks."""
    return tuple(re.findall(r"[^,\s]+", parser.get(section, key, fallback="").lower()))
