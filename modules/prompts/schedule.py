"""Prompts that change while they are drawn: `[from:to:when]`, `[to:when]`, `[from::when]`, `[a|b]`, nested at will.

One pass with a stack, then one walk per entry, both linear. What is no whole construct is text: a bracket without its
partner, too many colons, a *when* that is no number.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Union

TOKEN = re.compile(r"(?:[^\\\[\]():|]|\\.)+|[\[\]():|]")
WHEN = re.compile(r"\s*([+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)\s*")
PAIRS = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Step:
    """`text` holds for the model's calls up to and including number `until`, counted from 0."""

    until: int
    text: str


@dataclass(frozen=True, slots=True)
class _Swap:
    before: list[Node]
    after: list[Node]
    when: str


@dataclass(frozen=True, slots=True)
class _Alternate:
    options: list[list[Node]]


Node = Union[str, "list[Node]", _Swap, _Alternate]


@dataclass(slots=True)
class _Frame:
    """An open bracket and what followed it, cut at its own separators."""

    bracket: str
    parts: list[list[Node]] = field(default_factory=lambda: [[]])
    separators: list[str] = field(default_factory=list)

    def literal(self) -> list[Node]:
        """The bracket and its contents as text."""
        made: list[Node] = [self.bracket, self.parts[0]]
        for separator, part in zip(self.separators, self.parts[1:], strict=True):
            made += [separator, part]
        return made


def parse_schedule(prompt: str, steps: int, hires_steps: int | None = None, old: bool = False) -> list[Step]:
    """The texts that a prompt becomes, in order; the last one's `until` is the number of steps.

    A *when* with a dot is a fraction of the steps, a whole number a step. `hires_steps`: this is the second pass, whose
    fractions go from 1 to 2 and whose steps count on from the first pass's `steps`. `old`: A1111's rule before 1.6, for
    both passes: below 1 a fraction, else a step.
    """
    total = steps if hires_steps is None or old else hires_steps
    tree = _parse(prompt) if "[" in prompt and "]" in prompt else None
    if tree is None:
        return [Step(total, prompt)]
    second = hires_steps is not None and not old
    nodes = _walk(tree)
    swaps = [node.when for node in nodes if isinstance(node, _Swap)]
    whens = {when: _when(when, total, (steps, 1.0) if second else (0, 0.0), old) for when in swaps}
    period = math.lcm(*(len(node.options) for node in nodes if isinstance(node, _Alternate)))
    ends = {total} | {end for end in whens.values() if end >= 1}
    if period > 1:
        ends |= set(range(1, total + 1))
    times = sorted(set(whens.values()))
    texts: dict[tuple[int, int], str] = {}  # by what decides them: the place in the alternation, the swaps made
    moments = [(end, (end % period, bisect_left(times, end))) for end in sorted(ends)]
    for end, moment in moments:
        if moment not in texts:
            texts[moment] = _text(tree, end, whens)
    return [Step(end, texts[moment]) for end, moment in moments]


def _when(text: str, total: int, offsets: tuple[int, float], old: bool) -> int:
    value = float(text)
    if old:
        value = value * total if value < 1 else value
    elif "." in text:
        value = (value - offsets[1]) * total
    else:
        value -= offsets[0]
    return int(max(min(value, total), -1))


def _parse(prompt: str) -> list[Node] | None:
    """The tree, or None where a `|` stands outside of all alternatives: then the whole prompt is text, as in A1111."""
    frames = [_Frame("")]
    place = 0
    for match in TOKEN.finditer(prompt):
        if match.start() != place:
            return None
        place, token = match.end(), match.group()
        if token in ("(", "["):
            frames.append(_Frame(token))
        elif token in PAIRS:
            _close(frames, token)
        elif token in (":", "|"):
            frames[-1].separators.append(token)
            frames[-1].parts.append([])
        else:
            frames[-1].parts[-1].append(token)
    if place != len(prompt) or any("|" in frame.separators for frame in frames):
        return None
    while len(frames) > 1:
        frame = frames.pop()
        frames[-1].parts[-1].append(frame.literal())
    return frames[0].literal()


def _close(frames: list[_Frame], token: str) -> None:
    frame = frames[-1]
    node = _construct(frame) if frame.bracket == PAIRS[token] else None
    if node is not None:
        frames.pop()
        frames[-1].parts[-1].append(node)
        return
    # What cannot be closed is text, and so is every bracket around it: no construct has such text inside.
    for one in frames[1:]:
        _spill(frames[0], one)
    del frames[1:]
    frames[0].parts[-1].append(token)


def _spill(root: _Frame, frame: _Frame) -> None:
    root.parts[-1].append(frame.bracket)
    root.parts[-1] += frame.parts[0]
    for separator, part in zip(frame.separators, frame.parts[1:], strict=True):
        root.separators.append(separator)
        root.parts.append(part)


def _construct(frame: _Frame) -> Node | None:
    kinds = set(frame.separators)
    if frame.bracket == "(":
        return [*frame.literal(), ")"] if kinds <= {":"} and len(frame.separators) <= 1 else None
    if not kinds:
        return [*frame.literal(), "]"]
    if kinds == {"|"}:
        return _Alternate(frame.parts)
    if kinds == {":"} and len(frame.parts) in (2, 3):
        last = frame.parts[-1]
        when = WHEN.fullmatch(last[0]) if len(last) == 1 and isinstance(last[0], str) else None
        if when:
            return _Swap(frame.parts[0] if len(frame.parts) == 3 else [], frame.parts[-2], when.group(1))
    return None


def _walk(tree: list[Node]) -> list[_Swap | _Alternate]:
    found: list[_Swap | _Alternate] = []
    waiting: list[Node] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, _Swap):
            found.append(node)
            waiting += [node.before, node.after]
        elif isinstance(node, _Alternate):
            found.append(node)
            waiting += node.options
    return found


def _text(tree: list[Node], step: int, whens: dict[str, int]) -> str:
    """What the tree says at a step."""
    said: list[str] = []
    waiting: list[Node] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            said.append(node)
        elif isinstance(node, list):
            waiting += reversed(node)
        elif isinstance(node, _Swap):
            waiting.append(node.before if step <= whens[node.when] else node.after)
        else:
            waiting.append(node.options[(step - 1) % len(node.options)])
    return "".join(said)
