"""Which VAE file a checkpoint goes with, in A1111's order of precedence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modules.exceptions import MissingNetwork
from modules.weights.networks.shelf import Shelf
from modules.weights.networks.sidecars import user_metadata

AUTOMATIC, NONE = "Automatic", "None"
BESIDE = (".vae.pt", ".vae.ckpt", ".vae.safetensors")


@dataclass(frozen=True, slots=True)
class VaeWish:
    """What the user said: the option, whether it goes before what belongs to the checkpoint, and --vae-path."""

    option: str = AUTOMATIC
    before_own: bool = True
    flag: Path | None = None


def choose_vae(checkpoint: Path, wish: VaeWish, shelf: Shelf) -> Path | None:
    """The file whose parameters to use; None: the checkpoint's own. MissingNetwork for a name that nothing bears."""
    if wish.flag is not None:
        return wish.flag
    if wish.before_own and wish.option != AUTOMATIC:
        return _named(wish.option, shelf)
    own = user_metadata(checkpoint).vae
    if own and own != AUTOMATIC:
        return _named(own, shelf)
    beside = next((path for end in BESIDE if (path := checkpoint.with_suffix(end)).is_file()), None)
    return beside or _named(wish.option, shelf)


def _named(name: str, shelf: Shelf) -> Path | None:
    if name in (AUTOMATIC, NONE, ""):
        return None
    found = shelf.find(name) or shelf.find(Path(name).stem)
    if found is None:
        raise MissingNetwork(f"There is no VAE {name[:80]!r}; the checkpoint's own was used.")
    return found.path
