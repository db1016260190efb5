"""The scripts there are, and who of them joins in a request's job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from PIL import Image

from modules.exceptions import ExtensionError, ParameterError, WebuiError
from modules.generate.hooks import Draw, Hooks
from modules.generate.plan import Plan
from modules.generate.request import Request
from modules.generate.result import Result
from modules.host.axis import Axis, of_script
from modules.host.joined import Joined, Link
from modules.host.script import Catalogs, Script, Studio, Tab, tab_of
from modules.host.troubles import Troubles
from modules.imaging.resize import Scaler
from modules.jobs.progress import Progress
from modules.settings.folders import Folders
from modules.settings.options import View

Joiner = Callable[[Plan], Hooks | None]
Offer = Callable[[Tab], Sequence[Axis]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What studios are made of."""

    planner: Callable[[Request], Plan]
    folders: Folders
    catalogs: Catalogs
    scaler: Callable[[str, View, Progress], Scaler]
    caption: Callable[[Image.Image], str]


@dataclass(slots=True)
class Scripts:
    """By tab, in the order in which they came. All methods may be called from any thread."""

    troubles: Troubles
    means: Means
    _scripts: tuple[Script, ...] = ()
    _joiners: tuple[tuple[Joiner, str], ...] = ()
    _offers: tuple[tuple[Offer, str], ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, script: Script, owner: str = "") -> None:
        """One more; an extension's whose title is taken on its tab is told apart by the extension's name."""
        script.owner = owner
        with self._lock:
            alike = (one for one in self._scripts if one.always_on == script.always_on and {*one.tabs} & {*script.tabs})
            if owner and script.title.lower() in {one.title.lower() for one in alike}:
                script.title = f"{script.title} ({owner})"
            self._scripts = (*self._scripts, script)

    def join(self, joiner: Joiner, owner: str = "") -> None:
        """`joiner(plan)` is asked for hooks before each plan is drawn, ahead of the scripts that are always on."""
        with self._lock:
            self._joiners = (*self._joiners, (joiner, owner))

    def offer(self, offer: Offer, owner: str = "") -> None:
        """`offer(tab)` is asked for axes of the X/Y/Z plot whenever they are listed."""
        with self._lock:
            self._offers = (*(one for one in self._offers if one[0] != offer), (offer, owner))

    def drop(self, owner: str) -> None:
        """Forget all of an extension."""
        with self._lock:
            self._scripts = tuple(one for one in self._scripts if one.owner != owner)
            self._joiners = tuple(one for one in self._joiners if one[1] != owner)
            self._offers = tuple(one for one in self._offers if one[1] != owner)

    def selectable(self, tab: Tab) -> list[Script]:
        """The entries of the Script menu, by title."""
        found: dict[str, Script] = {}
        for one in self._scripts:
            if tab in one.tabs and not one.always_on:
                found.setdefault(one.title.lower(), one)
        return [found[title] for title in sorted(found)]

    def always_on(self, tab: Tab) -> list[Script]:
        """Those that join in, in their order."""
        return [one for one in self._scripts if tab in one.tabs and one.always_on]

    def axes(self, tab: Tab) -> list[Axis]:
        """Of the arguments of those that are always on, and those that are offered."""
        found = [axis for script in self.always_on(tab) for axis in of_script(script, tab)]
        for offer, owner in self._offers:
            try:
                found += offer(tab)
            except Exception as error:  # noqa: BLE001 - the extension boundary
                self.troubles.note(owner, "in its axes of the X/Y/Z plot", error)
        return found

    def find(self, title: str, tab: Tab) -> Script | None:
        """The selectable one of that title, however its letters are cased; None for no script. ParameterError."""
        if title.lower() in ("", "none"):
            return None
        return _named(self.selectable(tab), title, "script", "script_name")

    def find_always_on(self, title: str, tab: Tab) -> Script:
        """The one of that title. ParameterError."""
        return _named(self.always_on(tab), title, "always-on script", "alwayson_scripts")

    def check(self, request: Request) -> None:
        """ParameterError where a request's scripts make no sense."""
        tab = tab_of(request)
        if script := self.find(request.script_name, tab):
            script.check(request, request.script_args)
        for title, args in request.alwayson_scripts.items():
            self.find_always_on(title, tab).check(request, args)

    def sets(self, request: Request) -> set[str]:
        """The options that are set for its pictures: by the request, and by the script that it chooses."""
        script = self.find(request.script_name, tab_of(request))
        return {*request.override_settings, *(script.sets(request, request.script_args) if script else ())}

    def hooks(self, progress: Progress, *joiners: Joiner) -> Joined:
        """Who joins in the job that this progress is of; `joiners` are this job's own, asked first."""

        def studio(joined: Joined, draw: Draw) -> Studio:
            means = self.means
            return Studio(
                planner=means.planner,
                draw=_Drawer(draw, joined, progress),
                progress=progress,
                folders=means.folders,
                catalogs=means.catalogs,
                scaler=means.scaler,
                caption=means.caption,
                laying_out=joined.lay_out,
            )

        def whole(plan: Plan, joined: Joined, draw: Draw) -> Result | None:
            script = self.find(plan.request.script_name, tab_of(plan.request))
            return None if script is None else self._run(script, studio(joined, draw), plan)

        def links(plan: Plan) -> list[Link]:
            return [Link(made) for joiner in joiners if (made := joiner(plan)) is not None] + self._links(plan)

        return Joined(links, whole, self.troubles)

    def _run(self, script: Script, studio: Studio, plan: Plan) -> Result | None:
        try:
            return script.run(studio, plan, plan.request.script_args)
        except WebuiError:
            raise
        except Exception as error:
            if not script.owner:
                raise
            raise ExtensionError(self.troubles.note(script.owner, f"in its script {script.title!r}", error)) from error

    def _links(self, plan: Plan) -> list[Link]:
        request, tab = plan.request, tab_of(plan.request)
        given = {title.lower(): args for title, args in request.alwayson_scripts.items()}
        asked: list[tuple[str, Callable[[], Hooks | None]]] = [
            (owner, partial(joiner, plan)) for joiner, owner in self._joiners
        ]
        for script in self.always_on(tab):
            args = given.get(script.title.lower(), ())
            asked.append((script.owner, partial(script.hooks, request, args)))
        links = []
        for owner, hooks in asked:
            try:
                made = hooks()
            except Exception as error:
                if not owner:
                    raise
                self.troubles.note(owner, "at the beginning of a job", error)
                continue
            if made is not None:
                links.append(Link(made, owner))
        return links


class _Drawer:
    """`Studio.draw` of one job: who joins in is asked for each plan, and the progress goes on from part to part."""

    def __init__(self, draw: Draw, joined: Joined, progress: Progress):
        self._draw = draw
        self._joined = joined
        self._progress = progress
        self._done, self._parts = 0, 1

    def share(self, parts: int) -> None:
        """So many plans will be drawn, of which each is a like part of the job."""
        self._done, self._parts = 0, max(1, parts)

    def __call__(self, plan: Plan, *more: Hooks, alone: bool = False) -> Result:
        self._progress.part(min(self._done, self._parts - 1), self._parts)
        self._done += 1
        with self._joined.joined_for(plan, *more, alone=alone):
            return self._draw(plan)


def _named(scripts: Sequence[Script], title: str, what: str, field_name: str) -> Script:
    for one in scripts:
        if one.title.lower() == title.lower():
            return one
    raise ParameterError(f"There is no {what} {title[:60]!r}; leave {field_name} out, or see /sdapi/v1/scripts.")
