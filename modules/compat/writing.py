"""Writers of prompts that extensions bring: one that fails is named, and leaves the prompt as it was."""

from __future__ import annotations

from collections.abc import Sequence

from modules.compat.blame import BLAME
from modules.compat.registry import REGISTRY
from modules.exceptions import WebuiError
from modules.generate.wording import Writer
from modules.settings.folders import Folders
from modules.settings.options import View


class Writing(Writer):
    """One of an extension's."""

    def __init__(self, kind: type[Writer], folders: Folders):
        self._name = REGISTRY.names[kind]
        self._own = BLAME.call(self._name, "__init__", lambda: kind(folders), Writer(folders))

    def write(self, text: str, seed: int, view: View, *, negative: bool) -> tuple[str, Sequence[str]]:
        """What it writes."""
        try:
            written, told = self._own.write(text, seed, view, negative=negative)
            return str(written), [str(one) for one in told]
        except WebuiError:
            raise
        except Exception as error:  # noqa: BLE001 - the extension boundary
            return text, [BLAME.troubles.note(self._name, "in write", error)]
