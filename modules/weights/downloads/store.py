"""Downloads from the wish to the file in its folder: found, fetched, checked, put in its place at one stroke."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from modules import remote
from modules.exceptions import CorruptFile, ParameterError
from modules.imaging.disk import explained
from modules.jobs.progress import Progress
from modules.settings.folders import Folders
from modules.settings.options import View
from modules.weights.downloads.request import AUTOMATIC, Download, digest, file_name, suffix_of
from modules.weights.downloads.sources import Found, Services, find, meant
from modules.weights.downloads.transfer import Bounds, Transfer
from modules.weights.hashing import Hashes
from modules.weights.kinds import (
    CHECKPOINT,
    EMBEDDING,
    HYPERNETWORK,
    LORA,
    TEXT_ENCODER,
    UPSCALER,
    VAE,
    folder_of,
    kind_of,
)
from modules.weights.library import Library
from modules.weights.networks import headers
from modules.weights.networks.shelf import Shelves

GGUF = b"GGUF"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """What came of a download. `checked`: its checksum was known and is right. `here`: it was in the folder before."""

    path: Path
    kind: str
    sha256: str
    checked: bool
    here: bool = False

    def __str__(self) -> str:
        if self.here:
            return f"{self.path} was there already; nothing was downloaded."
        how = "its checksum is right" if self.checked else "nobody told a checksum, so it was not compared with one"
        return f"Saved to {self.path}; {how}."


class Downloads:
    """Takes wishes and makes jobs of them; one file comes at a time."""

    def __init__(self, folders: Folders, hashes: Hashes, view: Callable[[], View], arrived: Callable[[str], None]):
        """`arrived` is told the kind of each file that has come."""
        self._parts = folders.models / ".downloads"
        self._hashes, self._view, self._arrived = hashes, view, arrived
        self._line = threading.Lock()
        self._folders = {
            CHECKPOINT: folders.checkpoints[0],
            VAE: folders.vaes[0],
            LORA: folders.loras[0],
            EMBEDDING: folders.embeddings,
            HYPERNETWORK: folders.hypernetworks,
            UPSCALER: folders.upscalers["ESRGAN"][0],
            TEXT_ENCODER: folders.text_encoders[0],
        }

    def planned(self, wish: Download) -> Callable[[Progress], Arrived]:
        """The work of a job. ParameterError at once for what can never be downloaded; nobody is asked yet."""
        view = self._view()
        services = Services(
            hub=view.download_huggingface,
            civitai=view.download_civitai,
            local=view.download_from_neighbours,
            agent=view.api_useragent,
        )
        bounds = Bounds(local=services.local, agent=services.agent, largest=int(view.download_largest * (1 << 30)))
        for base in (services.hub, services.civitai):
            remote.checked(base)
        wanted, expected = meant(wish.source, services), digest(wish.sha256)
        if wish.name.strip():
            file_name(wish.name, wish.name if suffix_of(wish.name) else wish.name + ".safetensors")

        def work(progress: Progress) -> Arrived:
            progress.say("Waiting for another download")
            while not self._line.acquire(timeout=0.1):
                progress.stop.check()
            try:
                progress.say("Looking for the file")
                found = find(wanted, services)
                kind = wish.kind if wish.kind != AUTOMATIC else found.kind
                return self._fetched(wish, replace(found, kind=kind), expected, bounds, progress)
            finally:
                self._line.release()

        return work

    def _fetched(self, wish: Download, found: Found, expected: str, bounds: Bounds, progress: Progress) -> Arrived:
        if expected and found.sha256 and expected != found.sha256:
            raise ParameterError(f"{found.name} has the SHA-256 {found.sha256} there, which is not the one you gave.")
        transfer = Transfer(replace(found, sha256=expected or found.sha256), self._parts, bounds, progress)
        if (there := self._there(wish, transfer)) is not None:
            return there
        transfer.run(lambda name: self._free(wish, found.kind, name))
        name = file_name(wish.name, transfer.name)
        promised, sha256 = transfer.promised, transfer.sha256
        if promised and promised != sha256:
            transfer.drop()
            raise CorruptFile(
                f"{name} did not arrive as it was sent: its SHA-256 is {sha256}, not {promised}; try again."
            )
        whole = transfer.folder / name
        with explained(whole):
            os.replace(transfer.part, whole)
        kind = self._kind(found.kind, whole, transfer)
        path = self._placed(whole, self._folders[kind] / name)
        transfer.drop()
        self._hashes.keep(path, sha256)
        self._arrived(kind)
        return Arrived(path=path, kind=kind, sha256=sha256, checked=bool(promised))

    def _there(self, wish: Download, transfer: Transfer) -> Arrived | None:
        """The very file, if it is in one of its folders already."""
        found = transfer.found
        if not (found.name or wish.name) or not found.sha256:
            return None
        name = file_name(wish.name, found.name)
        for kind, folder in self._folders.items():
            path = folder / name
            if found.kind in (kind, AUTOMATIC) and path.is_file() and self._hashes.sha256(path) == found.sha256:
                return Arrived(path=path, kind=kind, sha256=found.sha256, checked=True, here=True)
        return None

    def _free(self, wish: Download, kind: str, there: str) -> None:
        """ParameterError where the name is none for a model, or is taken."""
        name = file_name(wish.name, there)
        if kind != AUTOMATIC and (self._folders[kind] / name).exists():
            raise ParameterError(f"There is another {name} in {self._folders[kind]} already; give a file name.")

    def _kind(self, kind: str, whole: Path, transfer: Transfer) -> str:
        """The kind of what came, read from its header. A file that is no model is not kept; one of no known kind is."""
        try:
            names = _names(whole)
        except CorruptFile:
            transfer.drop()
            raise
        kind = kind if kind != AUTOMATIC else folder_of(names)
        if kind:
            return kind
        what = kind_of(names) or "of no kind that can be told from it"
        os.replace(whole, transfer.part)  # asked for with a kind, it is there at once
        raise ParameterError(f"{whole.name} is {what.partition(';')[0]}; say what kind it is if you want to keep it.")

    def _placed(self, whole: Path, path: Path) -> Path:
        """Put it where it belongs, over nothing; on another disk by way of a copy beside it."""
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise ParameterError(f"There is another {path.name} in {path.parent} already; give a file name.")
            try:
                os.replace(whole, path)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                beside = path.with_name(f".{path.name}.tmp")
                shutil.copyfile(whole, beside)
                os.replace(beside, path)
        return path


def refresh(kind: str, library: Library, shelves: Shelves) -> None:
    """Look again where files of this kind are listed."""
    if kind == CHECKPOINT:
        library.scan()
    else:
        shelf = {VAE: "vaes", LORA: "loras", EMBEDDING: "embeddings", HYPERNETWORK: "hypernetworks"}.get(kind)
        if shelf:
            getattr(shelves, shelf).refresh()


def _names(path: Path) -> list[str]:
    """The tensors' names; CorruptFile for what is no file of tensors."""
    if path.suffix.lower() != ".gguf":
        found = headers.read(path)
        return [name for name, _ in found.shapes] if found else []
    with path.open("rb") as file:
        if file.read(len(GGUF)) != GGUF:
            raise CorruptFile(f"{path.name} is no GGUF file; check the address.")
    return ["model.diffusion_model."]  # what most are; for a text encoder the kind has to be said
