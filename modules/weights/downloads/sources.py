"""What a download's words mean: the file's address, name, size and checksum, as the two services tell them."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from modules import remote
from modules.exceptions import NotFound, ParameterError
from modules.weights.downloads.request import AUTOMATIC, DIGEST, suffix_of
from modules.weights.kinds import CHECKPOINT, EMBEDDING, HYPERNETWORK, LORA, UPSCALER, VAE

HUB, CIVITAI = "Hugging Face", "Civitai"
HOSTS = {HUB: ("huggingface.co", "hf.co"), CIVITAI: ("civitai.com",)}
TOKENS = {HUB: "HF_TOKEN", CIVITAI: "CIVITAI_API_TOKEN"}  # environment variables
HASH = re.compile(r"[0-9a-fA-F]{8}|[0-9a-fA-F]{10}|[0-9a-fA-F]{12}|[0-9a-fA-F]{64}")
REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w.-]+))?(?:/(.+))?")
TYPES = {  # Civitai's kinds of models
    "Checkpoint": CHECKPOINT, "LORA": LORA, "LoCon": LORA, "DoRA": LORA, "TextualInversion": EMBEDDING,
    "Hypernetwork": HYPERNETWORK, "Upscaler": UPSCALER, "VAE": VAE,
}  # fmt: skip
MOST, SECONDS = 16 << 20, 60.0  # bytes and time of an answer that describes a model
SHOWN = 12  # file names in a sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Where the two services are asked, and whether this machine and its neighbours may be."""

    hub: str = "https://huggingface.co"
    civitai: str = "https://civitai.com"
    local: bool = False
    agent: str = ""

    def base(self, service: str) -> str:
        """The address that stands before a service's paths."""
        return (self.hub if service == HUB else self.civitai).rstrip("/")

    def of(self, url: str) -> str | None:
        """Whose address it is, if one of the two's."""
        host = urlsplit(url).netloc.lower().removeprefix("www.")
        for service, known in HOSTS.items():
            if host in known or host == urlsplit(self.base(service)).netloc.lower():
                return service
        return None

    def secret(self, service: str | None) -> str:
        """The user's own token for a service, from the environment."""
        token = os.environ.get(TOKENS.get(service or "", ""), "").strip()
        return f"Bearer {token}" if token.isascii() and token.isprintable() and token else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Meant:
    """What the words ask for: a `hash`, a `version` or `model` of Civitai, a `repository` of the hub, or an address."""

    service: str | None = None
    hash: str = ""
    model: str = ""
    version: str = ""
    repository: str = ""
    revision: str = "main"
    file: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One file that can be fetched; what is not known of it is empty."""

    url: str
    name: str = ""
    size: int | None = None
    sha256: str = ""
    kind: str = AUTOMATIC
    secret: str = ""
    service: str | None = None


def meant(text: str, services: Services) -> Meant:
    """The words understood, with nobody asked. ParameterError where they mean nothing."""
    text = text.strip()
    if HASH.fullmatch(text):
        return Meant(service=CIVITAI, hash=text)
    if re.match(r"https?://", text, re.IGNORECASE):
        remote.checked(text)
        service = services.of(text)
        if service is None:
            return Meant(url=text)
        return _of_hub(text) if service == HUB else _of_civitai(text)
    found = REPOSITORY.fullmatch(text)
    if found is None or ".." in text:
        raise ParameterError(
            f"{text[:80]!r} says nothing to download; give owner/name of a model at Hugging Face, an address or a hash."
        )
    return Meant(service=HUB, repository=found[1], revision=found[2] or "main", file=found[3] or "")


def find(wish: Meant, services: Services) -> Found:
    """The file, as its service describes it. ParameterError or NotFound with a sentence where there is no one file."""
    if wish.service == HUB:
        return _hub_file(wish, services)
    if wish.service == CIVITAI:
        return _civitai_file(wish, services)
    return Found(url=wish.url, name=unquote(urlsplit(wish.url).path.rpartition("/")[2]))


def _of_hub(url: str) -> Meant:
    parts = [unquote(one) for one in urlsplit(url).path.strip("/").split("/")]
    if len(parts) < 2 or parts[0] in ("datasets", "spaces") or ".." in parts:
        raise ParameterError(f"{url[:100]} is no model's address at Hugging Face; it looks like …/owner/name.")
    owner, name, *rest = parts
    revision = rest[1] if len(rest) > 1 else "main"
    file = "/".join(rest[2:]) if rest and rest[0] in ("resolve", "blob", "raw") else ""
    return Meant(service=HUB, repository=f"{owner}/{name}", revision=revision, file=file)


def _of_civitai(url: str) -> Meant:
    parts = urlsplit(url)
    told = parse_qs(parts.query).get("modelVersionId", [""])[0]
    found = re.search(r"/(download/models|model-versions|models)/(\d+)", parts.path)
    if found is None or (told and not told.isdigit()):
        raise ParameterError(f"{url[:100]} is no model's address at Civitai; it looks like …/models/123.")
    if told or found[1] != "models":
        return Meant(service=CIVITAI, version=told or found[2])
    return Meant(service=CIVITAI, model=found[2])


def _hub_file(wish: Meant, services: Services) -> Found:
    base, secret = services.base(HUB), services.secret(HUB)
    path = f"{quote(wish.repository)}/revision/{quote(wish.revision, safe='')}?blobs=true"
    told = _described(f"{base}/api/models/{path}", HUB, wish.repository, services)
    files = {one["rfilename"]: one for one in _tables(told.get("siblings")) if isinstance(one.get("rfilename"), str)}
    name = wish.file or _only(wish.repository, list(files))
    if name not in files:
        raise NotFound(f"{wish.repository} holds no file {name[:80]!r}; it holds {_listed(list(files))}.")
    large = files[name].get("lfs")
    large = large if isinstance(large, dict) else {}
    return Found(
        url=f"{base}/{quote(wish.repository)}/resolve/{quote(wish.revision, safe='')}/{quote(name)}",
        name=name.rpartition("/")[2],
        size=_number(large.get("size", files[name].get("size"))),
        sha256=_digest(large.get("sha256")),
        secret=secret,
        service=HUB,
    )


def _only(repository: str, files: list[str]) -> str:
    """The one model file of a repository; of several, the one that lies on top."""
    known = [one for one in files if suffix_of(one) and not one.endswith(".bin")]
    on_top = [one for one in known if "/" not in one] or known
    if len(on_top) == 1:
        return on_top[0]
    if not on_top:
        raise NotFound(f"{repository} holds no model file; it holds {_listed(files)}.")
    raise ParameterError(f"{repository} holds several model files; add one of them behind a /: {_listed(on_top)}.")


def _listed(files: list[str]) -> str:
    return ", ".join(files[:SHOWN]) + (" …" if len(files) > SHOWN else "") if files else "nothing"


def _civitai_file(wish: Meant, services: Services) -> Found:
    base = services.base(CIVITAI)
    kind, version = "", {}
    if wish.model:
        told = _described(f"{base}/api/v1/models/{wish.model}", CIVITAI, f"model {wish.model}", services)
        kind, version = str(told.get("type")), next(iter(_tables(told.get("modelVersions"))), {})
    else:
        path = f"by-hash/{wish.hash}" if wish.hash else wish.version
        what = f"file with the hash {wish.hash}" if wish.hash else f"version {wish.version}"
        version = _described(f"{base}/api/v1/model-versions/{path}", CIVITAI, what, services)
        about = version.get("model")
        kind = str(about.get("type")) if isinstance(about, dict) else ""
    file = _chosen(_tables(version.get("files")), wish.hash.lower())
    url = file.get("downloadUrl") if file else None
    if file is None or not isinstance(url, str):
        raise NotFound("Civitai names no model file there; it may have been taken down.")
    for host in HOSTS[CIVITAI]:
        url = re.sub(rf"^https?://(www\.)?{re.escape(host)}(?=/)", base, url)
    size = file.get("sizeKB")
    return Found(
        url=url,
        name=str(file.get("name") or "").rpartition("/")[2],
        size=round(size * 1024) if isinstance(size, int | float) else None,
        sha256=_digest(_hashes(file).get("SHA256")),
        kind=VAE if file.get("type") == "VAE" else TYPES.get(kind, AUTOMATIC),
        secret=services.secret(CIVITAI) if services.of(url) == CIVITAI else "",
        service=CIVITAI,
    )


def _chosen(files: list[dict[str, Any]], hash_: str) -> dict[str, Any] | None:
    """The file that has the hash; else the primary one; else the first that is a model's."""
    known = [one for one in files if suffix_of(str(one.get("name")))]
    for one in known:
        if hash_ and hash_ in [str(told).lower() for told in _hashes(one).values()]:
            return one
    return next((one for one in known if one.get("primary")), known[0] if known else None)


def _hashes(file: Mapping[str, Any]) -> dict[str, Any]:
    told = file.get("hashes")
    return told if isinstance(told, dict) else {}


def _described(url: str, service: str, what: str, services: Services) -> dict[str, Any]:
    """A service's JSON."""
    headers = {"Accept": "application/json", "User-Agent": remote.agent(services.agent)}
    until = time.monotonic() + SECONDS
    with remote.opened(url, headers, local=services.local, secret=services.secret(service)) as answer:
        refuse(answer.status, service, what)
        body = bytearray()
        for piece in answer.pieces():
            body += piece
            if len(body) > MOST or time.monotonic() > until:
                raise ParameterError(f"{service}'s answer about {what} is too long.")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise ParameterError(f"{service}'s answer about {what} cannot be read; is {url[:100]} the right address?")
    return told


def refuse(status: int, service: str | None, what: str) -> None:
    """Raise where a status means that there is nothing to be had."""
    if status in (200, 206):
        return
    where = service or "The address"
    if status in (401, 403):
        raise ParameterError(f"{where} gives {what} to some only; {key_to(service)}.")
    if status in (404, 410):
        raise NotFound(f"{where} knows no {what}; check how it is written.")
    raise remote.Unreachable(f"{where} answered {status} when asked for {what}; try again later.")


def key_to(service: str | None) -> str:
    """What to do where a login is wanted."""
    if service is None:
        return "this program cannot log in there"
    return f"agree to its terms on its page and set {TOKENS[service]} in the environment"


def _tables(told: Any) -> list[dict[str, Any]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _digest(told: Any) -> str:
    return told.lower() if isinstance(told, str) and DIGEST.fullmatch(told) else ""


def _number(told: Any) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else None
