"""The page's texts in other languages: files in A1111's format, the program's own, the user's and the extensions'."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from modules.host.extensions.catalogue import Extensions
from modules.settings.folders import PROGRAM, Folders

log = logging.getLogger(__name__)

NONE = "None"  # the texts as they are
FOLDER = "localizations"


def files(folders: Folders, extensions: Extensions) -> dict[str, list[Path]]:
    """The files by the name of their language; where several have one name, the later ones go over the earlier."""
    found: dict[str, list[Path]] = {}
    for folder in dict.fromkeys((PROGRAM / FOLDER, folders.localizations)):
        for path in sorted(folder.glob("*.json")):
            found.setdefault(path.stem, []).append(path)
    for extension in extensions.taken:
        for name, path in extension.localizations.items():
            found.setdefault(name, []).append(path)
    return found


def names(folders: Folders, extensions: Extensions) -> list[str]:
    """What may be chosen."""
    return [NONE, *sorted(files(folders, extensions))]


def table(paths: Iterable[Path]) -> dict[str, str]:
    """Original text → translated text; what cannot be read is told to the log and left out."""
    texts: dict[str, str] = {}
    for path in paths:
        try:
            read = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            log.warning("%s is no file of translations (%s); its texts stay as they are.", path.name, error)
            continue
        pairs = read.items() if isinstance(read, dict) else ()
        texts |= {key: text for key, text in pairs if isinstance(text, str) and text}
    return texts


def script(name: str, texts: dict[str, str]) -> str:
    """What gives them to the page's scripts, under the name that A1111's own have for them."""
    return f"window.localization = {json.dumps(texts)};\nwindow.localizationName = {json.dumps(name)};\n"
