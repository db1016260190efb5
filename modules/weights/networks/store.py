"""The networks kept in memory: read when first asked for, put on a model as a prompt's tags say."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from modules.exceptions import MissingNetwork, ModelError
from modules.prompts.networks import Use
from modules.weights.loader import Model
from modules.weights.networks import hypernetwork, reading
from modules.weights.networks.embedding import Embedding, Words, bundled
from modules.weights.networks.embedding import read as read_embedding
from modules.weights.networks.hypernetwork import Hypernetwork
from modules.weights.networks.overlay import Applied
from modules.weights.networks.shelf import Shelf, Shelves
from modules.weights.tokenizer import tokenize
from modules.weights.vaechoice import VaeWish, choose_vae

log = logging.getLogger(__name__)

Hypernetworks = tuple[tuple[Hypernetwork, float], ...]
Key = tuple[str, int, int]  # path, mtime, size: a replaced file is another network


@dataclass(slots=True)
class Worn:
    """What a model wears: pairs for the infotext, and sentences about what is not as asked."""

    hypernetworks: Hypernetworks = ()
    told: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    bundled: list[Embedding] = field(default_factory=list)  # words that came along with the LoRAs


class Store:
    """Reads files once and keeps the last `limit` of them; used by the worker thread alone."""

    def __init__(
        self,
        shelves: Shelves,
        device: torch.device,
        limit: Callable[[], int],
        vae_flag: Path | None = None,
        approximations: Path = Path(),
    ):
        self._shelves = shelves
        self._device = device
        self._limit = limit
        self._vae_flag = vae_flag
        self._approximations = approximations
        self._kept: OrderedDict[Key, Any] = OrderedDict()
        self._words: dict[Key, Embedding | None] = {}

    def put_on(self, model: Model, uses: Iterable[Use], by_hooks: bool = False) -> Worn:
        """Bring the model to exactly these LoRAs; what is missing or faulty is told and left out.

        One named twice counts twice, both times with what was said last, as in A1111.
        """
        worn, applied, hashes = Worn(), [], []
        for use in uses:
            try:
                shelf = self._shelf(use.kind)
                entry = shelf.find(use.name)
                if entry is None:
                    worn.comments.append(f"There is no network {use.name[:80]!r}; it was left out.")
                elif use.kind == "hypernet":
                    read = self._read(entry.path, lambda path: hypernetwork.read(path, self._device))
                    worn.hypernetworks += ((read, use.te),)
                else:
                    applied.append(Applied(self._read(entry.path, reading.read), use.te, use.unet, use.dyn))
                    hashes.append(f"{use.name.replace(':', '').replace(',', '')}: {shelf.hash(entry)}")
            except ModelError as error:
                worn.comments.append(str(error))
        worn.bundled = [word for one in applied for word in bundled(one.network)]
        last = {id(one.network): one for one in applied}
        worn.comments += model.overlay.apply([last[id(one.network)] for one in applied], by_hooks)
        if hashes:
            worn.told["Lora hashes"] = ", ".join(hashes)
        self._trim(len(applied) + len(worn.hypernetworks))
        return worn

    def put_vae(self, model: Model, option: str, before_own: bool, quick: Sequence[str] = ()) -> Worn:
        """Let the model decode with the VAE file that is wanted; with its own where that is missing or faulty.

        `quick`: the halves, encoder and decoder, that TAESD is to do.
        """
        worn = Worn()
        try:
            model.vae.hurry(self._approximations, quick)
        except ModelError as error:
            worn.comments.append(str(error))
        try:
            wish = VaeWish(option, before_own, self._vae_flag)
            model.vae.wear(choose_vae(model.checkpoint.path, wish, self._shelves.vaes))
        except ModelError as error:
            worn.comments.append(str(error))
            model.vae.wear(None)
        if model.vae.file is not None:
            entry = self._shelves.vaes.find(model.vae.file.name)
            known = entry is not None and entry.path == model.vae.file
            worn.told["VAE hash"] = self._shelves.vaes.hash(entry)[:10] if entry and known else ""
            worn.told["VAE"] = model.vae.file.name
        return worn

    def teach(self, model: Model, bundled: Sequence[Embedding] = ()) -> Words:
        """Let the model's text encoders know all embeddings that fit them; answers what finds them among tokens."""
        widths = {part: tower.width for part, tower in model.towers.items()}
        known = {one.name: one for one in (*self._embeddings(), *bundled) if one.widths == widths}
        for part, tower in model.towers.items():
            tower.learn({name: one.vectors[part] for name, one in known.items()})
        return Words((one, tokenize(name)) for name, one in known.items())

    def embedding_hash(self, name: str) -> str | None:
        """Twelve digits of an embedding's file."""
        entry = self._shelves.embeddings.find(name)
        return None if entry is None else self._shelves.embeddings.hash(entry)

    def _shelf(self, kind: str) -> Shelf:
        return self._shelves.hypernetworks if kind == "hypernet" else self._shelves.loras

    def _embeddings(self) -> Iterable[Embedding]:
        """All on the shelf that can be read; one that cannot is told once, in the log."""
        known, self._words = self._words, {}
        for entry in self._shelves.embeddings.entries():
            with suppress(MissingNetwork):
                key = _key(entry.path)
                self._words[key] = known[key] if key in known else _readable(entry.path)
        return [word for word in self._words.values() if word is not None]

    def _read(self, path: Path, read: Callable[[Path], Any]) -> Any:
        key = _key(path)
        if key not in self._kept:
            self._kept[key] = read(path)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _trim(self, used: int) -> None:
        while len(self._kept) > max(used, self._limit()):
            self._kept.popitem(last=False)


def _readable(path: Path) -> Embedding | None:
    try:
        return read_embedding(path)
    except ModelError as error:
        log.warning("%s", error)
        return None


def _key(path: Path) -> Key:
    try:
        status = path.stat()
    except OSError as error:
        raise MissingNetwork(f"{path} is gone; it was left out.") from error
    return str(path), status.st_mtime_ns, status.st_size
