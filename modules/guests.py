"""Who joins in from outside the program's own rooms: on the page, in the API, and while pictures are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.generate.hooks import QUIET, Hooks
from modules.generate.operations import Added
from modules.generate.plan import Plan

Wishes = Mapping[str, Any]  # what a request asks of guests, by their own keys


class Guest:
    """All places where a guest is asked; does nothing unless overridden. `tab` is "txt2img" or "img2img"."""

    def hooks(self, tab: str, wishes: Wishes, plan: Plan) -> Hooks | None:
        """The hooks of one plan's run; None to stay out of it."""
        return None

    def before_page(self) -> None:
        """The page is about to be made."""

    def place(self, form: Any) -> None:
        """Place components at the end of a tab's settings; those in `form.guests` are sent with the form."""

    def titles(self, tab: str) -> Sequence[str]:
        """Its entries of the tab's Script menu."""
        return ()

    def place_script(self, form: Any, title: str) -> None:
        """Place the components that are shown while this entry is chosen."""

    def pages(self) -> Sequence[tuple[Any, str, str]]:
        """(blocks, title, id) of tabs of its own."""
        return ()

    def page_stands(self, demo: Any, forms: Mapping[str, Any]) -> None:
        """All components are made; `forms` by tab."""

    def started(self, demo: Any, api: Any) -> None:
        """The server's application is put together. `demo` is None without a page."""

    def sent(self, form: Any, values: dict[str, Any], script: str = "") -> Wishes:
        """What the page's values wish; takes its own out of them. `script`: the entry that is chosen."""
        return {}

    def pasted(self, form: Any, text: str) -> Mapping[str, Any]:
        """The updates, by their names in `form.told`, that an infotext means."""
        return {}

    def asked(self, tab: str, script: str, args: Sequence[Any], always: dict[str, Any]) -> Wishes:
        """What an API request wishes; takes its own out of `always`. `script`: what is chosen, anybody's."""
        return {}

    def finishing(self, wishes: Wishes) -> Sequence[Added]:
        """What it does to finished pictures on the Extras tab, in the wake of what was wished."""
        return ()

    def scripts(self) -> Sequence[Mapping[str, Any]]:
        """Its scripts as the API lists them: name, is_alwayson, is_img2img, args."""
        return ()

    def files(self) -> tuple[Sequence[Path], Sequence[Path]]:
        """(scripts, style sheets) that the page loads after its own."""
        return (), ()

    def folders(self) -> Sequence[Path]:
        """Folders whose files the page may fetch."""
        return ()


def hooks_of(guests: Sequence[Guest], tab: str, wishes: Wishes, plan: Plan) -> Hooks:
    """The hooks of one plan's run: of the first guest that joins it."""
    found = (guest.hooks(tab, wishes, plan) for guest in guests)
    return next((hooks for hooks in found if hooks is not None), QUIET)


def finishing_of(guests: Sequence[Guest], wishes: Wishes) -> list[Added]:
    """What all of them do to finished pictures."""
    return [one for guest in guests for one in guest.finishing(wishes)]
