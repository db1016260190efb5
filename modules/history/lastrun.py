"""The parameters of the last picture made, in A1111's file in the data folder."""

from __future__ import annotations

import contextlib
from pathlib import Path

NAME = "params.txt"


def keep(data: Path, infotext: str) -> None:
    """Write them; a disk that refuses is no reason to fail."""
    with contextlib.suppress(OSError):
        (data / NAME).write_text(infotext, encoding="utf-8", errors="replace")


def last(data: Path) -> str:
    """Read them; empty if there are none."""
    try:
        return (data / NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
