"""Which folders hold pictures that were made."""

from __future__ import annotations

from pathlib import Path

from modules.declare import specs
from modules.settings.folders import Folders
from modules.settings.options import View
from modules.settings.sections.saving import Paths


def output_folders(folders: Folders, view: View) -> list[Path]:
    """Where pictures are saved, and what the user added for the history; none that holds the data folder itself."""
    chosen = [*(getattr(view, name) for name in specs(Paths)), *view.history_folders]
    found = dict.fromkeys(folders.output(text) for text in chosen if text)
    return [path for path in found if not folders.data.is_relative_to(path)]
