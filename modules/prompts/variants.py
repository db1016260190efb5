"""One prompt that stands for many: variants `{a|2::b|c}` and `{2$$a|b|c}`, wildcards `__name__`, drawn by a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, Union

from modules.exceptions import PromptError

TOKEN = re.compile(
    r"""\\.
    |__(?P<name>(?:[^\W_]|\*)(?:[\w\-./*\ ]{0,100}?[\w*])??)__
    |(?:[^\\{}\[\]|_]|_(?!_))+
    |.""",
    re.DOTALL | re.VERBOSE,
)
COUNT = re.compile(r"\s*(\d{1,4})(?:-(\d{1,4}))?\$\$(?:([^$]*)\$\$)?")
WEIGHT = re.compile(r"\s*(\d+\.?\d*|\.\d+)::")
JOINT = ", "

DEEPEST = 50  # levels of variants and wildcards in one another
LONGEST = 1_000_000  # characters of a finished prompt
MOST = 2_000_000  # what one prompt may cost: each draw the number of its choices, and DRAW
DRAW = 50

T = TypeVar("T")
Weighed = tuple[float, str]
Lookup = Callable[[str], Sequence[Weighed] | None]  # a wildcard's lines; None where nothing has the name


@dataclass(frozen=True, slots=True)
class Drawn:
    """A prompt with all its choices made; wildcards that do not exist stay in it as text."""

    text: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wildcard:
    name: str


@dataclass(frozen=True, slots=True)
class _Variants:
    """`least` to `most` of the options, each with its weight."""

    options: list[tuple[float, list[Node]]]
    least: int = 1
    most: int = 1
    joint: str = JOINT


Node = Union[str, _Wildcard, _Variants, "list[Node]"]


def draw(prompt: str, seed: object, lookup: Lookup) -> Drawn:
    """The prompt that a seed draws, always the same. PromptError where it would not end or grow too long.

    A brace without a partner is text, and so is `{a}`; a `|` between square brackets belongs to them.
    """
    if "}" not in prompt and "__" not in prompt:
        return Drawn(prompt)
    drawing = _Drawing(random.Random(str(seed)), lookup)
    return Drawn(drawing.text(_parse(prompt), ()), tuple(drawing.missing))


@dataclass(slots=True)
class _Drawing:
    chance: random.Random
    lookup: Lookup
    known: dict[str, Sequence[Weighed] | None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    length: int = 0
    cost: int = 0
    depth: int = 0

    def text(self, nodes: list[Node], within: tuple[str, ...]) -> str:
        """What the nodes become; `within`: the wildcards that led here."""
        if self.depth > DEEPEST:
            raise PromptError(f"Variants and wildcards are nested more than {DEEPEST} levels deep.")
        self.depth += 1
        said: list[str] = []
        waiting: list[Node] = [nodes]
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting += reversed(node)
            elif isinstance(node, str):
                said.append(self._counted(node))
            elif isinstance(node, _Wildcard):
                said += self._lines(node.name, 1, within) or [f"__{node.name}__"]
            else:
                said.append(node.joint.join(self._several(node, within)))
        self.depth -= 1
        return "".join(said)

    def _counted(self, text: str) -> str:
        self.length += len(text)
        if self.length > LONGEST:
            raise PromptError(f"The wildcards of this prompt make it longer than {LONGEST} characters.")
        return text

    def _several(self, node: _Variants, within: tuple[str, ...]) -> list[str]:
        count = node.least + int(self.chance.random() * (node.most - node.least + 1))
        _, first = node.options[0]
        if len(node.options) == 1 and len(first) == 1 and isinstance(first[0], _Wildcard):
            return self._lines(first[0].name, count, within) or [self.text(first, within)]
        return [self.text(nodes, within) for nodes in self._taken(node.options, count)]

    def _lines(self, name: str, count: int, within: tuple[str, ...]) -> list[str]:
        """Lines of a wildcard; none where it does not exist or is empty."""
        if name in within:
            raise PromptError(f"The wildcard __{name}__ leads back to itself: {' > '.join([*within, name])}.")
        if name not in self.known:
            self.known[name] = self.lookup(name)
        lines = self.known[name]
        if not lines:
            self.missing[name] = None
            return []
        return [self.text(_parse(line), (*within, name)) for line in self._taken(lines, count)]

    def _taken(self, choices: Sequence[tuple[float, T]], count: int) -> list[T]:
        """Different ones of the choices, as their weights and the seed want it."""
        left = list(choices)
        taken: list[T] = []
        for _ in range(min(count, len(left))):
            self.cost += len(left) + DRAW
            if self.cost > MOST:
                raise PromptError("This prompt has too much to draw; use fewer or shorter wildcards.")
            point = self.chance.random() * sum(weight for weight, _ in left)
            place = 0
            while place < len(left) - 1 and point >= left[place][0]:
                point -= left[place][0]
                place += 1
            taken.append(left.pop(place)[1])
        return taken


@dataclass(slots=True)
class _Frame:
    """An open brace, what stands in it so far, and how many square brackets are open there."""

    options: list[list[Node]] = field(default_factory=lambda: [[]])
    squares: int = 0

    def literal(self) -> list[Node]:
        """The brace and its contents as text."""
        made: list[Node] = ["{", *self.options[0]]
        for option in self.options[1:]:
            made += ["|", *option]
        return made

    def closed(self) -> Node:
        """What the pair of braces means."""
        first = self.options[0][0] if self.options[0] else ""
        count = COUNT.match(first) if isinstance(first, str) else None
        if count and isinstance(first, str):
            self.options[0][:1] = [rest] if (rest := first[count.end() :]) else []
            few, many = sorted((int(count[1]), int(count[2] or count[1])))
            return _Variants([_weighed(option) for option in self.options], few, many, count[3] or JOINT)
        if len(self.options) == 1:
            return [*self.literal(), "}"]
        return _Variants([_weighed(option) for option in self.options])


def weighed(line: str) -> Weighed:
    """The weight that a text begins with, `2::`, 1 if none, and the rest."""
    match = WEIGHT.match(line)
    return (float(match[1]), line[match.end() :]) if match else (1.0, line)


def _weighed(option: list[Node]) -> tuple[float, list[Node]]:
    if not option or not isinstance(option[0], str):
        return 1.0, option
    weight, text = weighed(option[0])
    return weight, [text, *option[1:]]


def _parse(prompt: str) -> list[Node]:
    frames = [_Frame()]
    for match in TOKEN.finditer(prompt):
        token, top = match.group(), frames[-1]
        if match["name"]:
            top.options[-1].append(_Wildcard(match["name"]))
        elif token == "{":
            frames.append(_Frame())
        elif token == "}" and len(frames) > 1:
            frames.pop()
            frames[-1].options[-1].append(top.closed())
        elif token == "|" and len(frames) > 1 and not top.squares:
            top.options.append([])
        else:
            top.squares = max(0, top.squares + (token == "[") - (token == "]"))
            top.options[-1].append(token)
    root = frames[0].options[0]
    for frame in frames[1:]:
        root += frame.literal()
    return root
