"""One file on a shelf: where it lies, and what it says about itself."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from modules.exceptions import CorruptFile
from modules.weights.networks import families, headers
from modules.weights.networks.sidecars import UserMetadata, preview, user_metadata

TAGS = 2000  # letters of the training tags that are searched, the most frequent ones first


class Kind(str, Enum):
    """What the files of a shelf are."""

    LORA = "Lora"
    EMBEDDING = "embedding"
    HYPERNETWORK = "hypernetwork"
    VAE = "VAE"


SUFFIXES = {
    Kind.LORA: (".safetensors", ".pt", ".ckpt"),
    Kind.EMBEDDING: (".safetensors", ".pt", ".bin", ".png"),
    Kind.HYPERNETWORK: (".pt",),
    Kind.VAE: (".safetensors", ".pt", ".ckpt"),
}


class Facts(NamedTuple):
    """What a file's header says. `claimed`: the hash that its trainer wrote in; `vectors`, `width`: of an embedding."""

    alias: str | None = None
    family: str = families.UNKNOWN
    tags: str = ""
    claimed: str | None = None
    vectors: int = 0
    width: int = 0


Known: TypeAlias = tuple[int, int, Facts]  # mtime, size and what holds while these do


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as it was when last looked at; `fault` is a sentence about a file that cannot be used."""

    location: str
    mtime: int  # ns
    size: int  # bytes
    facts: Facts
    name: str  # without suffix
    folder: str  # below the shelf's own, with forward slashes
    picture: str | None = None
    fault: str | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.location)

    @property
    def alias(self) -> str:
        """The name that its trainer gave it, else the file's."""
        return self.facts.alias or self.name

    @property
    def family(self) -> str:
        """SD1, SD2, SDXL or Unknown."""
        return self.facts.family

    @property
    def preview(self) -> Path | None:
        """The picture beside it."""
        return self.path.with_name(self.picture) if self.picture else None

    @property
    def user(self) -> UserMetadata:
        """The user's notes beside it, read now."""
        return user_metadata(self.path)

    @property
    def known(self) -> Known:
        """What need not be found out again while time and size stay."""
        return self.mtime, self.size, self.facts

    @property
    def unchanged(self) -> bool:
        """Whether the file is still the one that was looked at."""
        try:
            status = os.stat(self.location)
        except OSError:
            return False
        return (status.st_mtime_ns, status.st_size) == (self.mtime, self.size)


def entry_of(
    item: os.DirEntry[str], kind: Kind, folder: str, pictures: Collection[str], known: Known | None
) -> tuple[Entry, str | None] | None:
    """A file's entry, with its metadata as JSON if it had to be read; None for what is no such file."""
    try:
        status = item.stat()
    except OSError:  # a link to nowhere
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    stem = os.path.splitext(item.name)[0]
    facts, told, fault = Facts(), None, None
    if known and known[:2] == (status.st_mtime_ns, status.st_size):
        facts = known[2]
    else:
        try:
            header = headers.read(Path(item.path))
        except CorruptFile as error:
            fault = str(error)
        else:
            if header is None:
                return None
            facts, told = _facts(header, kind), as_json(header.metadata)
    picture = preview(stem, pictures)
    entry = Entry(item.path, status.st_mtime_ns, status.st_size, facts, printable(stem), folder, picture, fault)
    return entry, told


def _facts(header: headers.Header, kind: Kind) -> Facts:
    """What is kept of a header."""
    if kind is Kind.LORA:
        metadata = header.metadata
        return Facts(
            alias=_text(metadata.get("ss_output_name")),
            family=families.network_family(header),
            tags=_tags(metadata),
            claimed=_digits(metadata.get("sshs_model_hash")),
        )
    if kind is Kind.EMBEDDING:
        vectors, width = families.embedding_size(header)
        return Facts(family=families.embedding_family(header), vectors=vectors, width=width)
    return Facts(family=families.hypernetwork_family(header) if kind is Kind.HYPERNETWORK else families.UNKNOWN)


def as_json(metadata: dict[str, Any]) -> str:
    """Metadata as text that any reader takes."""
    try:
        return json.dumps(metadata, allow_nan=False)
    except (ValueError, RecursionError):  # numbers or nesting beyond what readers of JSON take
        return "{}"


def printable(text: str) -> str:
    """The text without half characters, which neither a database nor an answer can carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _text(said: Any) -> str | None:
    return printable(said) if isinstance(said, str) and said else None


def _digits(said: Any) -> str | None:
    """A hash in hex, if it is one."""
    if not isinstance(said, str) or not 12 <= len(said) <= 64 or set(said.lower()) - set("0123456789abcdef"):
        return None
    return said.lower()


def _tags(metadata: dict[str, Any]) -> str:
    """The words that a file can be found by: its title, its tags, and those of its training pictures."""
    counts: dict[str, float] = {}
    for tags in _values(metadata.get("ss_tag_frequency")):
        for tag, count in tags.items() if isinstance(tags, dict) else ():
            if isinstance(count, (int, float)):
                counts[tag] = counts.get(tag, 0) + count
    told = [metadata[key] for key in ("modelspec.title", "modelspec.tags") if isinstance(metadata.get(key), str)]
    words = told + sorted(counts, key=lambda tag: -counts[tag])
    return printable("\n".join(words)[:TAGS].casefold())


def _values(said: Any) -> list[Any]:
    return list(said.values()) if isinstance(said, dict) else []
