"""All who join in one job as one: each place's hooks in turn, those that fail left out for the rest of the job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modules.exceptions import Interrupted
from modules.generate.hooks import Blend, Draw, Hooks, Layout, Noising, Saving
from modules.generate.plan import Plan
from modules.generate.result import Result
from modules.host.gathering import with_pairs
from modules.host.script import AlwaysOn
from modules.host.troubles import Troubles

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from modules.generate.batch import Batch
    from modules.generate.source import Source
    from modules.sampling.guidance import Call


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One who joins in. What an extension's raises is noted and ends its part; what our own raises ends the job."""

    hooks: Hooks
    owner: str = ""


Asked = Callable[[Plan], Sequence[Link]]
Whole = Callable[[Plan, "Joined", Draw], Result | None]


class Joined(Hooks):
    """The hooks of one job. `asked` tells who joins in with a plan; `whole` may do the whole job instead."""

    def __init__(self, asked: Asked, whole: Whole, troubles: Troubles):
        self._asked = asked
        self._whole = whole
        self._troubles = troubles
        self._links: tuple[Link, ...] = ()
        self._places: dict[str, tuple[Link, ...]] = {}
        self._comments: dict[str, None] = {}

    def instead(self, plan: Plan, draw: Draw) -> Result | None:
        made = self._whole(plan, self, draw)
        if made is None:
            self._set(tuple(self._asked(plan)))
            for call in self._each("instead"):
                made = call(plan, draw)
                if made is not FAILED and made is not None:
                    break
                made = None
        return None if made is None else self._with_comments(made)

    @contextmanager
    def joined_for(self, plan: Plan, *more: Hooks, alone: bool = False) -> Iterator[None]:
        """While one of several plans is drawn: those who join in with it and `more`, or, `alone`, these only."""
        before = self._links
        self._set((*(() if alone else self._asked(plan)), *(Link(one) for one in more)))
        try:
            yield
        finally:
            self._set(before)

    def lay_out(self, plan: Plan, layout: Layout) -> None:
        """Tell of a grid that is made outside of every plan's drawing."""
        with self.joined_for(plan):
            self.laying_out(plan, layout)

    def overrides(self, name: str) -> bool:
        return bool(self._at(name))

    def _set(self, links: tuple[Link, ...]) -> None:
        self._links, self._places = links, {}

    def _at(self, name: str) -> tuple[Link, ...]:
        found = self._places.get(name)
        if found is None:
            found = tuple(link for link in self._links if link.hooks.overrides(name))
            self._places[name] = found
        return found

    def _each(self, name: str) -> Iterator[Callable[..., Any]]:
        """The methods of that name, each called so that its failure is its own; a failed one answers with `FAILED`."""
        for link in self._at(name):
            yield lambda *args, _link=link: self._guarded(_link, name, args)

    def _guarded(self, link: Link, name: str, args: tuple[Any, ...]) -> Any:
        if not link.owner:
            return getattr(link.hooks, name)(*args)
        try:
            return getattr(link.hooks, name)(*args)
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - the extension boundary
            self._comments[self._troubles.note(link.owner, f"in {name}", error)] = None
            self._set(tuple(one for one in self._links if one is not link))
            return FAILED

    def _fold(self, name: str, value: Any, *before: Any, after: tuple[Any, ...] = ()) -> Any:
        for call in self._each(name):
            made = call(*before, value, *after)
            value = value if made is FAILED or made is None else made
        return value

    def _tell(self, name: str, *args: Any) -> None:
        for call in self._each(name):
            call(*args)

    def _with_comments(self, result: Result) -> Result:
        told = tuple(text for text in self._comments if text not in result.comments)
        return replace(result, comments=(*result.comments, *told)) if told else result

    def begin(self, plan: Plan) -> Plan:
        plan = self._fold("begin", plan)
        for link in self._links:
            if isinstance(link.hooks, AlwaysOn) and (told := link.hooks.told()):
                plan = with_pairs(plan, told)
        return plan

    def next_batch(self, plan: Plan, number: int) -> Plan:
        made: Plan = self._fold("next_batch", plan, after=(number,))
        return made

    def source_made(self, plan: Plan, source: Source) -> None:
        self._tell("source_made", plan, source)

    def batch_made(self, batch: Batch) -> None:
        self._tell("batch_made", batch)

    def before_hires(self, first: Batch, second: Batch) -> None:
        self._tell("before_hires", first, second)

    def more_noise(self, batch: Batch, noising: Noising) -> Tensor:
        made = noising.noise
        for call in self._each("more_noise"):
            answer = call(batch, replace(noising, noise=made))
            made = made if answer is FAILED else answer
        return made

    def before_sampling(self, batch: Batch, x: Tensor) -> Tensor:
        made: Tensor = self._fold("before_sampling", x, batch)
        return made

    def asking(self, batch: Batch, call: Call) -> None:
        self._tell("asking", batch, call)

    def answered(self, batch: Batch, call: Call) -> None:
        self._tell("answered", batch, call)

    def guided(self, batch: Batch, call: Call) -> None:
        self._tell("guided", batch, call)

    def blend(self, batch: Batch, blend: Blend) -> Tensor:
        made: Any = FAILED
        for call in self._each("blend"):
            made = call(batch, blend)
        return super().blend(batch, blend) if made is FAILED else made

    def sampled(self, batch: Batch) -> None:
        self._tell("sampled", batch)

    def decoded(self, batch: Batch, pictures: Tensor) -> Tensor:
        made: Tensor = self._fold("decoded", pictures, batch)
        return made

    def drawn(self, batch: Batch, index: int, image: Image.Image) -> Image.Image:
        made: Image.Image = self._fold("drawn", image, batch, index)
        return made

    def overlaying(self, batch: Batch, index: int, over: Image.Image) -> Image.Image:
        made: Image.Image = self._fold("overlaying", over, batch, index)
        return made

    def composed(self, batch: Batch, index: int, image: Image.Image) -> Image.Image:
        made: Image.Image = self._fold("composed", image, batch, index)
        return made

    def laying_out(self, plan: Plan, layout: Layout) -> None:
        self._tell("laying_out", plan, layout)

    def saving(self, plan: Plan, saving: Saving) -> None:
        self._tell("saving", plan, saving)

    def saved(self, plan: Plan, saving: Saving) -> None:
        self._tell("saved", plan, saving)

    def finished(self, result: Result) -> Result:
        return self._with_comments(self._fold("finished", result))


class _Failed:
    """What a method that failed answers with."""


FAILED = _Failed()
