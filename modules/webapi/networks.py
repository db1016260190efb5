"""The network files: LoRAs, embeddings, hypernetworks and VAEs, as A1111 lists them."""

from __future__ import annotations

import json

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from modules.app import App
from modules.webapi.watch import Watch
from modules.weights.networks.entries import Entry, printable
from modules.weights.networks.listing import natural


class EmbeddingItem(BaseModel):
    """A textual inversion."""

    step: int | None = Field(None, description="Steps it was trained for, if it says so.")
    sd_checkpoint: str | None = Field(None, description="Hash of the checkpoint it was trained on, if it says so.")
    sd_checkpoint_name: str | None = Field(None, description="Name of that checkpoint where it was trained.")
    shape: int = Field(description="Width of a vector; of both text encoders together where there are two.")
    vectors: int = Field(description="How many vectors, and so tokens' places, it has.")


class EmbeddingsResponse(BaseModel):
    """By name."""

    loaded: dict[str, EmbeddingItem] = Field(description="Those that can be used.")
    skipped: dict[str, EmbeddingItem] = Field(description="Those made for another kind of model.")


class HypernetworkItem(BaseModel):
    """A hypernetwork."""

    name: str
    path: str | None = None


class SDVaeItem(BaseModel):
    """A VAE."""

    model_name: str
    filename: str


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes of network files."""
    router = APIRouter(prefix="/sdapi/v1")
    shelves = app.shelves

    @router.get("/loras")
    def loras() -> Response:
        rows = {entry.name: _lora(entry, metadata) for entry, metadata in shelves.loras.described()}
        return Response(f"[{','.join(rows.values())}]", media_type="application/json")

    @router.post("/refresh-loras")
    def refresh_loras() -> None:
        shelves.loras.refresh()

    @router.get("/embeddings")
    def embeddings() -> EmbeddingsResponse:
        usable = [(entry, text) for entry, text in shelves.embeddings.described() if entry.facts.vectors]
        usable.sort(key=lambda pair: pair[0].name.lower())
        return EmbeddingsResponse(loaded={entry.name: _embedding(entry, text) for entry, text in usable}, skipped={})

    @router.post("/refresh-embeddings")
    def refresh_embeddings() -> None:
        shelves.embeddings.refresh()

    @router.get("/hypernetworks")
    def hypernetworks() -> list[HypernetworkItem]:
        found = sorted(shelves.hypernetworks.entries(), key=lambda entry: entry.location.lower())
        named = {entry.name: _path(entry) for entry in found if entry.name != "None"}
        return [HypernetworkItem(name=name, path=path) for name, path in named.items()]

    @router.get("/sd-vae")
    def sd_vae() -> list[SDVaeItem]:
        found = {printable(entry.path.name): _path(entry) for entry in shelves.vaes.entries()}
        return [SDVaeItem(model_name=name, filename=found[name]) for name in sorted(found, key=natural)]

    @router.post("/refresh-vae")
    def refresh_vae() -> None:
        shelves.vaes.refresh()

    return router


def _path(entry: Entry) -> str:
    return printable(entry.location)


def _lora(entry: Entry, metadata: str) -> str:
    """One element of the list. The metadata, megabytes where there are many files, is JSON already."""
    told = json.dumps({"name": entry.name, "alias": entry.alias, "path": _path(entry)})
    return f'{told[:-1]}, "metadata": {metadata}}}'


def _embedding(entry: Entry, metadata: str) -> EmbeddingItem:
    told = json.loads(metadata)
    step, *checkpoint = (told.get(key) for key in ("step", "sd_checkpoint", "sd_checkpoint_name"))
    digits, name = (text if isinstance(text, str) else None for text in checkpoint)
    return EmbeddingItem(
        step=step if isinstance(step, int) else None,
        sd_checkpoint=digits,
        sd_checkpoint_name=name,
        shape=entry.facts.width,
        vectors=entry.facts.vectors,
    )
