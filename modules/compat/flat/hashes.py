"""A1111's `modules.hashes`: SHA-256 of files, remembered."""

import hashlib
from pathlib import Path

from modules.compat.binding import app as _app


def calculate_sha256(filename):
    """Computed now."""
    digest = hashlib.sha256()
    with open(filename, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


calculate_sha256_real = calculate_sha256


def sha256_from_cache(filename, title, use_addnet_hash=False):
    """If it was computed before and the file is unchanged."""
    return _app().library._hashes.known(Path(filename))


def sha256(filename, title, use_addnet_hash=False):
    """Computed if need be."""
    return _app().library._hashes.sha256(Path(filename))


def addnet_hash_safetensors(b):
    """Of the tensors alone, without the header."""
    b.seek(0)
    length = int.from_bytes(b.read(8), "little")
    b.seek(length + 8)
    digest = hashlib.sha256()
    while block := b.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def cache(subsection):
    """A small remembered dict."""
    from modules.cache import cache as found

    return found(subsection)
