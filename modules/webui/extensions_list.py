"""The tables of the Extensions tab, as HTML in which nothing of an extension's own is more than text."""

from __future__ import annotations

import datetime
import html
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from modules.host.extensions import git
from modules.host.extensions.finding import Extension
from modules.host.extensions.index import Entry
from modules.host.extensions.updating import LATEST, NEWER
from modules.host.troubles import Trouble

HEADS = "Extension", "URL", "Branch", "Version", "Date", "Update", "Pin to a commit"
OFFERED = "Extension", "Description", "Action"
NOTHING = "There is no extension; see Available and Install from URL."
BUILT_IN, LATER, FAILED, NO_SOURCE, UNKNOWN = "built-in", "(after the restart)", "failed", "no repository", "unknown"
HERE, INSTALL = "installed", "Install"
# What the translations of the page have to know.
TEXTS = *HEADS, *OFFERED, NOTHING, BUILT_IN, LATER, FAILED, NO_SOURCE, UNKNOWN, LATEST, NEWER, HERE, INSTALL


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known beside the folder, by name."""

    troubles: Mapping[str, Sequence[Trouble]]
    news: Mapping[str, str]  # of updates
    taken: Collection[str]  # which take part in this run
    off: Collection[str]  # which are not ticked, whether or not all are left out


def installed(found: Sequence[Extension], builtin: Sequence[Extension], known: Known) -> str:
    """What is in the folder, and what came with the program."""
    rows = "".join(_row(one, known) for one in found) + "".join(_builtin(one, known) for one in builtin)
    if not rows:
        return f"<p>{NOTHING}</p>"
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    return f'<table id="extensions" class="changes"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _builtin(one: Extension, known: Known) -> str:
    return f"<tr><td>{_tick(one, known)}</td><td>{BUILT_IN}</td>{'<td></td>' * (len(HEADS) - 2)}</tr>"


def _tick(one: Extension, known: Known) -> str:
    name, tick = html.escape(one.name), "" if one.name in known.off else " checked"
    state = "" if (one.name in known.taken) == one.enabled else f" {LATER}"
    named = f'<span class="notranslate">{name}</span>'
    return f'<label><input type="checkbox" name="enable_{name}"{tick}> {named}</label>{state}'


def _row(one: Extension, known: Known) -> str:
    at, name, troubles = git.state(one.path), html.escape(one.name), known.troubles.get(one.name, ())
    failed = f' <span class="failed">{FAILED}</span>' if troubles else ""
    update = _update(name, at, known.news.get(one.name))
    pin = at.commit[:12] if at.pinned else ""
    cells = [
        f"{_tick(one, known)}{failed}",
        _link(git.shown(at.remote)),
        html.escape(at.branch),
        f"<code>{html.escape(at.commit[:8])}</code>",
        _date(at.date),
        update,
        f'<input type="text" name="pin_{name}" value="{pin}" data-was="{pin}" maxlength="64" aria-label="Pin {name}">'
        if at.commit
        else "",
    ]
    row = f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    return row + "".join(
        f'<tr class="trouble"><td colspan="{len(cells)}">{_trouble(trouble)}</td></tr>' for trouble in troubles
    )


def _update(name: str, at: git.State, news: str | None) -> str:
    if not at.remote:
        return NO_SOURCE
    if news is None:
        return UNKNOWN
    tick = f'<input type="checkbox" name="update_{name}" checked> ' if news == NEWER and not at.pinned else ""
    return f"<label>{tick}{html.escape(news)}</label>"


def _trouble(trouble: Trouble) -> str:
    sentence = html.escape(trouble.sentence)
    if not trouble.trace:
        return f'<p class="error">{sentence}</p>'
    return f'<details><summary class="error">{sentence}</summary><pre>{html.escape(trouble.trace)}</pre></details>'


def _date(seconds: int) -> str:
    if not seconds:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")


def _link(url: str) -> str:
    if urlsplit(url).scheme != "https":
        return html.escape(url)
    address = html.escape(url, quote=True)
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>'


def available(entries: Sequence[Entry], here: Sequence[str]) -> str:
    """What an index lists; `here` are the addresses of those that are installed."""
    known = {_plain(url) for url in here}
    rows = "".join(_offer(one, _plain(one.url) in known) for one in entries)
    heads = "".join(f"<th>{head}</th>" for head in OFFERED)
    note = f"<p>{len(entries)} extensions. They are other people's programs and may do anything on this machine.</p>"
    return f'{note}<table id="available_extensions" class="changes"><tr>{heads}</tr>{rows}</table>'


def _offer(one: Entry, here: bool) -> str:
    name, tags = html.escape(one.name), html.escape(", ".join(one.tags))
    act = f'<button class="lg secondary" data-install="{html.escape(one.url, quote=True)}">{INSTALL}</button>'
    about = f"{html.escape(one.description)}<br><small>{_link(one.url)} {html.escape(one.added)}</small>"
    cells = f'<b class="notranslate">{name}</b><br><small>{tags}</small>', about, HERE if here else act
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _plain(url: str) -> str:
    return url.strip().rstrip("/").removesuffix(".git").lower()
