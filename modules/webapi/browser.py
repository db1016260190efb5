"""The browser of network files: cards in windows of a search, the user's notes beside a file, and its preview."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from modules.app import App
from modules.exceptions import NotFound, ParameterError
from modules.imaging.files import SaveOptions, encode
from modules.imaging.pixels import from_bytes, upright
from modules.settings.reach import Role
from modules.webapi.cards import CHECKPOINTS, found
from modules.webapi.rights import Who
from modules.webapi.watch import Watch
from modules.weights.networks.entries import Entry, printable
from modules.weights.networks.listing import natural
from modules.weights.networks.shelf import Shelf
from modules.weights.networks.sidecars import PREVIEWS, UserMetadata, user_metadata, write_user_metadata

MOST = 500  # cards at once
PREVIEW_SIDE = 384  # pixels
LARGEST = 64 << 20  # bytes of a picture that is to be a preview

Page = Literal["lora", "textual_inversion", "hypernetworks", "checkpoints"]
Sort = Literal["Path", "Name", "Date Created", "Date Modified"]


class Card(BaseModel):
    """One file as its card shows it."""

    name: str
    folder: str = Field(description="Below the folders of its kind.")
    path: str = Field(description="Where it lies on the server.")
    picture: str = Field(description="Address of a small preview; empty if there is none.")
    description: str = Field(description="The user's words about it, or what is wrong with the file.")
    prompt: str = Field(description="What a click on the card puts into the prompt.")
    negative_prompt: str = Field(description="And into the negative prompt.")


class Cards(BaseModel):
    """Some of the cards that a search found."""

    total: int
    first: int = Field(description="The number of the first card given.")
    folders: list[str]
    cards: list[Card]


class Asked(BaseModel):
    """A search, and which of the cards that it finds are wanted."""

    page: Page = "lora"
    search: str = ""
    folder: str = ""
    sort: Sort = "Path"
    descending: bool = False
    first: int = 0
    count: int = 100


class Notes(BaseModel):
    """What A1111's editor keeps in `NAME.json` beside a file; what is not said stays as it is."""

    page: Page
    item: str
    description: str | None = None
    sd_version: str | None = None
    activation_text: str | None = None
    preferred_weight: float | None = Field(None, ge=-100, le=100)
    negative_text: str | None = None
    notes: str | None = None
    vae: str | None = None
    defaults: str | None = None


class Model(NamedTuple):
    """A checkpoint, with what entries of the other pages have too."""

    name: str
    folder: str
    location: str
    mtime: int


Item = Entry | Model


SORTS: dict[str, Callable[[Item], Any] | None] = {
    "Path": None,  # the order that files are listed in
    "Name": lambda one: natural(one.name),
    "Date Created": lambda one: _created(one.location),
    "Date Modified": lambda one: one.mtime,
}


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes; to read them needs no rights, to write beside model files an administrator's."""
    router = APIRouter(prefix="/sd_extra_networks")

    @router.get("/cards")
    def cards(asked: Annotated[Asked, Query()], user: Who) -> Cards:
        return _window(app, asked, user.role > Role.GUEST)

    @router.post("/refresh")
    def refresh(page: Page = "lora") -> None:
        if page == CHECKPOINTS:
            app.library.scan()
        else:
            _shelf(app, page).refresh()

    @router.get("/notes")
    def notes(page: Page, item: str) -> dict[str, Any]:
        return asdict(user_metadata(_path(app, page, item)))

    @router.post("/notes")
    def write_notes(said: Notes, user: Who) -> None:
        user.need(Role.ADMIN, "write beside model files")
        kept = UserMetadata.__dataclass_fields__
        changes = {name: value for name, value in said.model_dump(exclude_none=True).items() if name in kept}
        path = _path(app, said.page, said.item)
        try:
            write_user_metadata(path, changes)
        except OSError as error:
            raise ParameterError(f"The notes beside {path.name} cannot be written: {error.strerror}.") from error

    @router.post("/preview")
    async def preview(page: Page, item: str, user: Who, request: Request) -> None:
        user.need(Role.ADMIN, "write beside model files")
        data = b""
        async for part in request.stream():
            data += part
            if len(data) > LARGEST:
                raise ParameterError("The picture is too large to be a preview.")
        await run_in_threadpool(_show_with, _path(app, page, item), data)

    return router


def _window(app: App, asked: Asked, shows_path: bool) -> Cards:
    """The cards asked for; without their paths for those who are not to know them."""
    listed = _items(app, asked.page, asked.search)
    folders = sorted({parent for one in _kept_in(app, asked.page) for parent in _with_parents(one)}, key=natural)
    if asked.folder:
        listed = [one for one in listed if f"{one.folder}/".startswith(f"{asked.folder}/")]
    key = SORTS[asked.sort]
    if key is not None:
        listed.sort(key=key)
    if asked.descending:
        listed.reverse()
    first = max(0, asked.first)
    window = listed[first : first + min(max(0, asked.count), MOST)]
    made = [_card(app, asked.page, one, shows_path) for one in window]
    return Cards(total=len(listed), first=first, folders=folders, cards=made)


def _shelf(app: App, page: str) -> Shelf:
    shelves = app.shelves
    known = {"lora": shelves.loras, "textual_inversion": shelves.embeddings, "hypernetworks": shelves.hypernetworks}
    return known[page]


def _items(app: App, page: str, search: str) -> list[Item]:
    if page != CHECKPOINTS:
        return list(_shelf(app, page).entries(search))
    words = search.casefold().split()
    known = [one for one in app.library.checkpoints() if all(word in one.title.casefold() for word in words)]
    return [Model(one.model_name, os.path.dirname(one.name), str(one.path), _modified(str(one.path))) for one in known]


def _kept_in(app: App, page: str) -> frozenset[str]:
    """The folders that hold files of a page."""
    if page != CHECKPOINTS:
        return _shelf(app, page).folders()
    return frozenset(os.path.dirname(one.name) for one in app.library.checkpoints())


def _with_parents(folder: str) -> list[str]:
    return [str(one) for one in (Path(folder), *Path(folder).parents) if str(one) not in ("", ".")]


def _card(app: App, page: str, item: Item, shows_path: bool) -> Card:
    path = Path(item.location)
    told = user_metadata(path)
    picture = _preview(path) if isinstance(item, Model) else item.preview
    fault = None if isinstance(item, Model) else item.fault
    prompt, negative = _words(app, page, item, told)
    return Card(
        name=item.name,
        folder=item.folder,
        path=printable(item.location) if shows_path else "",
        picture=_address(picture) if picture else "",
        description=fault or told.description,
        prompt=prompt,
        negative_prompt=negative,
    )


def _words(app: App, page: str, item: Item, told: UserMetadata) -> tuple[str, str]:
    """What a click puts into the prompts: a tag with its weight and the words that wake it."""
    view = app.options.view()
    if isinstance(item, Model):
        return "", ""
    if page == "textual_inversion":
        return item.name, ""
    weight = f"{told.preferred_weight or view.extra_networks_default_multiplier:g}"
    if page == "hypernetworks":
        return f"<hypernet:{item.name}:{weight}>", ""
    filed = view.lora_preferred_name == "Filename"
    name = item.name if filed else app.shelves.loras.tag_name(item)
    woken = f" {told.activation_text}" if told.activation_text else ""
    return f"<lora:{name}:{weight}>{woken}", told.negative_text


def _path(app: App, page: str, item: str) -> Path:
    path = found(app, page, item)
    if path is None:
        raise NotFound(f"There is no file {item[:120]!r} among the {page.replace('_', ' ')} files.")
    return path


def _preview(path: Path) -> Path | None:
    return next((shown for end in PREVIEWS if (shown := path.with_name(path.stem + end)).is_file()), None)


def _address(picture: Path) -> str:
    """Relative to the page; with the time, so that a new picture is asked for anew."""
    text = printable(str(picture))
    return f"sd_extra_networks/thumb?filename={quote(text)}&side={PREVIEW_SIDE}&mtime={_modified(str(picture))}"


def _show_with(path: Path, data: bytes) -> None:
    """Make a picture the preview of a file: under the first name that is looked for and is not the file itself."""
    picture = upright(from_bytes(data))
    now = _preview(path)
    target = now if now and now.suffix == ".png" and now != path else path.with_suffix(".png")
    if target == path or (target != now and target.exists()):
        target = path.with_name(f"{path.stem}.preview.png")
    try:
        target.write_bytes(encode(picture, None, SaveOptions()))
    except OSError as error:
        raise ParameterError(f"The preview of {path.name} cannot be written: {error.strerror}.") from error


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _created(path: str) -> float:
    try:
        status = os.stat(path)
    except OSError:
        return 0.0
    return getattr(status, "st_birthtime", status.st_ctime)
