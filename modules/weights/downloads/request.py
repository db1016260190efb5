"""A download as it is asked for, and what it must be to begin."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modules.declare import param
from modules.exceptions import ParameterError
from modules.weights.kinds import FOLDERS

AUTOMATIC = "Automatic"
SUFFIXES = (".safetensors", ".gguf", ".ckpt", ".pt", ".pth", ".bin")
LONGEST = 200  # characters of a name
DIGEST = re.compile(r"[0-9a-fA-F]{64}")
UNFIT = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # what a file's name may not hold on some system

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """What is wanted, from where."""

    source: str = param("", "Model", doc="owner/name at Hugging Face, with /file behind it where there are several; the address of a page or a file there, at Civitai or elsewhere; or a hash.")
    kind: str = param(AUTOMATIC, "Kind", choices=(AUTOMATIC, *FOLDERS), doc="Decides the folder; Automatic: as the service says, or the file itself.")
    name: str = param("", "File name", doc="Empty: as it is called there.")
    sha256: str = param("", "SHA-256", doc="What the file must have; empty: what the service says.")


# fmt: on


def digest(text: str) -> str:
    """A SHA-256 as it is compared; ParameterError for what is none. Empty stays empty."""
    told = text.strip().removeprefix("sha256:").lower()
    if told and not DIGEST.fullmatch(told):
        raise ParameterError(f"{text[:80]!r} is no SHA-256; give its 64 hexadecimal digits, or nothing.")
    return told


def file_name(wish: str, there: str) -> str:
    """The name of the new file: as wished, with the ending it has there. ParameterError for what is no model file."""
    suffix = suffix_of(there) or suffix_of(wish)
    name = wish.strip() or there.strip()
    if not suffix:
        endings = ", ".join(SUFFIXES)
        raise ParameterError(f"{there[:80] or name[:80]!r} is no model file; those end with {endings}.")
    if suffix_of(name) != suffix:
        name += suffix
    if UNFIT.search(name) or name.startswith(".") or len(name) > LONGEST:
        raise ParameterError(f"{name[:80]!r} cannot name a file here; give another file name, without / and the like.")
    return name


def suffix_of(name: str) -> str:
    """The ending of a model file; empty for what has none of them."""
    return next((one for one in SUFFIXES if name.lower().endswith(one)), "")
