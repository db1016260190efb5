"""What a script is: a title and arguments, and pictures made instead of the engine, or hooks that join in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, Protocol

from PIL import Image

from modules.declare import Spec, specs
from modules.exceptions import ParameterError
from modules.generate.hooks import Hooks, Layout
from modules.generate.plan import Plan
from modules.generate.request import Img2Img, Request
from modules.generate.result import Result
from modules.imaging.resize import Scaler
from modules.jobs.progress import Progress
from modules.settings.folders import Folders
from modules.settings.options import View

Tab = Literal["txt2img", "img2img"]
TABS: tuple[Tab, ...] = ("txt2img", "img2img")
Catalogs = Mapping[str, Callable[[], list[str]]]


def tab_of(request: Request) -> Tab:
    """The tab whose requests are of this kind."""
    return "img2img" if isinstance(request, Img2Img) else "txt2img"


class Drawing(Protocol):
    """Makes a plan's pictures. `more` join in beside those of the job or, `alone`, in their place."""

    def share(self, parts: int) -> None:
        """So many plans will be drawn."""

    def __call__(self, plan: Plan, *more: Hooks, alone: bool = False) -> Result:
        """What came of it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Studio:
    """What a script makes pictures with, inside the job that it belongs to. Used by the worker thread alone."""

    planner: Callable[[Request], Plan]
    draw: Drawing
    progress: Progress
    folders: Folders
    catalogs: Catalogs
    scaler: Callable[[str, View, Progress], Scaler]  # an upscaler by name
    caption: Callable[[Image.Image], str]  # what an RGB picture shows, in words
    laying_out: Callable[[Plan, Layout], None]  # whoever joins in is told of a grid

    def plan(self, request: Request) -> Plan:
        """What will be done for a request, which then asks for no script. ParameterError where it cannot be done."""
        return self.planner(replace(request, script_name="", script_args=()))

    def make(self, request: Request) -> Result:
        """The pictures of a request; the always-on scripts join in."""
        return self.draw(self.plan(request))

    def share(self, parts: int) -> None:
        """Tell the progress that so many plans will be drawn, each a like part of the job."""
        self.draw.share(parts)

    @property
    def stopped(self) -> bool:
        """Whether the user wants no more."""
        return self.progress.stop.interrupted


class Script:
    """One entry of the Script menu, or one that is always on. All methods but `run` are called from any thread.

    `title` is its name on the page and, in lower case, in the API. Arguments go by position, as A1111's clients send
    them; `arguments` says what they are. A1111's own scripts are adapted to this by the room that loads them.

    `file`: the name that ui-config.json has for it; usually that of the file which it is in. `looks`: for arguments by
    name, words of gradio's for the component on the page, such as `lines`; and `upload`, the label of a button that
    puts a file's text into it.
    """

    title: str = ""
    tabs: Sequence[Tab] = TABS
    always_on: bool = False
    owner: str = ""  # the extension it came with
    file: str = ""
    looks: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

    def arguments(self, tab: Tab) -> list[Spec]:
        """What its arguments are, in order. One without a label is a note to the user."""
        return []

    def ui(self, tab: Tab) -> list[Any] | None:
        """gradio components for the arguments, made where it is called; None has them made from `arguments`."""
        return None

    def check(self, request: Request, args: Sequence[Any]) -> None:
        """Before the job is queued: ParameterError for arguments that make no sense."""

    def sets(self, request: Request, args: Sequence[Any]) -> Collection[str]:
        """Of one that is chosen: options that it sets for its pictures, which who asks must be allowed to."""
        return ()

    def hooks(self, request: Request, args: Sequence[Any]) -> Hooks | None:
        """Of one that is always on: what joins in this job; None for nothing."""
        return None

    def run(self, studio: Studio, plan: Plan, args: Sequence[Any]) -> Result | None:
        """Of one that is chosen: the whole job; None leaves it to the engine."""
        return None


@dataclass(frozen=True)
class NoParams:
    """No arguments."""


class Declared(Script):
    """A script whose arguments are the fields of the dataclass `params`, declared by `param()`."""

    params: type = NoParams

    def arguments(self, tab: Tab) -> list[Spec]:
        return list(specs(self.params).values())

    def values(self, args: Sequence[Any], tab: Tab, catalogs: Catalogs | None = None) -> Any:
        """The arguments as `params`; those not said are as usual. ParameterError for the first bad one."""
        return self.params(**read(self.arguments(tab), args, self.title, catalogs))


class Selectable(Declared):
    """One of the Script menu: `make` is given its values."""

    def check(self, request: Request, args: Sequence[Any]) -> None:
        self.values(args, tab_of(request))

    def run(self, studio: Studio, plan: Plan, args: Sequence[Any]) -> Result | None:
        return self.make(studio, plan, self.values(args, tab_of(plan.request), studio.catalogs))

    def make(self, studio: Studio, plan: Plan, values: Any) -> Result | None:
        """The whole job."""
        raise NotImplementedError


class AlwaysOn(Hooks, Declared):
    """One that joins in: the hooks it overrides are called, on an instance of their own for each job.

    `self.given` are its values in this job. Values other than the usual ones are told in the infotext where they have a
    key, and read back from it.
    """

    always_on = True
    given: Any = None

    def wanted(self, request: Request) -> bool:
        """Whether it has anything to do for a request; usually if any value is not as usual."""
        return bool(self.given != self.params())

    def check(self, request: Request, args: Sequence[Any]) -> None:
        self.values(args, tab_of(request))

    def hooks(self, request: Request, args: Sequence[Any]) -> Hooks | None:
        made = type(self)()
        made.given, made.owner = self.values(args, tab_of(request)), self.owner
        return made if made.wanted(request) else None

    def told(self) -> dict[str, Any]:
        """The infotext pairs of its values."""
        known = specs(self.params)
        own = {spec.infotext: (getattr(self.given, name), spec) for name, spec in known.items() if spec.infotext}
        return {key: value for key, (value, spec) in own.items() if value != spec.default}


def read(known: Sequence[Spec], args: Sequence[Any], title: str, catalogs: Catalogs | None = None) -> dict[str, Any]:
    """Positional arguments by name, each in its own type. A menu's choice may be told by its place in the menu."""
    values = {}
    for spec, value in zip(known, args, strict=False):  # more than there are: A1111 overlooks them too
        if value is None or not spec.label:
            continue
        try:
            values[spec.name] = spec.check(_chosen(spec, value, catalogs))
        except ValueError as error:
            raise ParameterError(f"Script {title!r}: {error}") from error
    return values


def _chosen(spec: Spec, value: Any, catalogs: Catalogs | None) -> Any:
    """The text of the choice whose number was sent."""
    if spec.type is not str or not isinstance(value, int) or isinstance(value, bool) or not spec.choices:
        return value
    if isinstance(spec.choices, str):
        if catalogs is None:
            return str(value)  # judged when the job runs
        choices: Sequence[str] = catalogs[spec.choices]()
    else:
        choices = spec.choices
    if not 0 <= value < len(choices):
        raise ValueError(f"{spec.label}: there is no choice number {value}; they go from 0 to {len(choices) - 1}.")
    return choices[value]
