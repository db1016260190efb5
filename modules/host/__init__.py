"""What joins in: scripts, extensions, events. Everything of ours comes in by the same door as everyone else's.

A `Script` has a title and arguments by position. `Selectable` ones make a job's pictures instead of the engine, with
what a `Studio` gives (`plan` a request, `draw` a plan, `make` both); `AlwaysOn` ones are `generate.Hooks` of which each
plan gets an instance of its own. Both declare their arguments as a dataclass of `param()` fields, from which come form,
API, infotext and X/Y/Z axes; `Script` itself is the floor beneath them, for rooms that adapt other kinds of scripts.

`Scripts` (catalogue) knows them by tab: `add(script, owner)`; `join(joiner)`, where `joiner(plan)` answers with Hooks,
or None, before each plan is drawn; `offer(offer)`, where `offer(tab)` answers with more axes (`axis.Axis`) for the
X/Y/Z plot; `check` a request; `hooks(progress)` for a job. All who join in are one `Joined`: a hook of an extension
that raises is noted in `Troubles`, told in the result's comments, and left out for that job.
A `Writer` writes each image's own prompt before its job is queued.
`Events` are what happens outside of jobs: `events.on(Started, call, owner)`, `events.tell(event)`.

May import generate and every lower room.
"""

from modules.generate.wording import Writer
from modules.host.script import AlwaysOn, Script, Selectable, Studio

__all__ = ["AlwaysOn", "Script", "Selectable", "Studio", "Writer"]
