"""What lies beside a network's file under its name: the user's notes and a preview picture."""

from __future__ import annotations

import json
import logging
import math
import os
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

LONGEST = 1 << 20  # bytes
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
PREVIEWS = tuple(middle + end for end in PICTURES for middle in ("", ".preview"))


@dataclass(frozen=True, slots=True)
class UserMetadata:
    """`NAME.json` as A1111's editor writes it; `vae` and `defaults` are for checkpoints.

    `defaults`: the parameters that it draws best with, as an infotext tells them.
    """

    description: str = ""
    sd_version: str = ""
    activation_text: str = ""
    preferred_weight: float = 0.0
    negative_text: str = ""
    notes: str = ""
    vae: str = ""
    defaults: str = ""


def user_metadata(path: Path) -> UserMetadata:
    """The notes beside a file; what is missing, or of the wrong kind, is empty."""
    said = _table(path.with_suffix(".json"))
    texts = {
        name: said[name.replace("_", " ")]
        for name in ("description", "sd_version", "activation_text", "negative_text", "notes", "vae", "defaults")
        if isinstance(said.get(name.replace("_", " ")), str)
    }
    return UserMetadata(**texts, preferred_weight=_number(said.get("preferred weight")))


def write_user_metadata(path: Path, changes: Mapping[str, Any]) -> None:
    """Write fields of UserMetadata into the notes beside a file; whatever else stands there stays."""
    beside = path.with_suffix(".json")
    said = _table(beside) | {name.replace("_", " "): value for name, value in changes.items()}
    part = beside.with_name(f"{beside.name}.{uuid.uuid4().hex}")
    part.write_text(json.dumps(said, indent=4, ensure_ascii=False), encoding="utf-8")
    os.replace(part, beside)


def preview(name: str, beside: Collection[str]) -> str | None:
    """The name of the preview picture among the files beside; `name` is the network's without its suffix."""
    return next((name + end for end in PREVIEWS if name + end in beside), None) if beside else None


def _table(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            said = json.loads(file.read(LONGEST))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.warning("The notes in %s cannot be read: %s.", path, error)
        return {}
    return said if isinstance(said, dict) else {}


def _number(said: Any) -> float:
    try:
        number = float(said)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if math.isfinite(number) else 0.0
