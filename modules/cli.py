"""The command line: each flag made from a Spec of Launch; A1111's other flags are read over, and it is said once."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from modules.declare import Spec, specs
from modules.settings.sections import Launch
from modules.settings.sections.launch import MEANINGLESS

log = logging.getLogger(__name__)

IDLE = "idle"  # where the flags gather that mean nothing here


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message.removeprefix('argument ')}\n")


def parse(argv: Sequence[str]) -> Launch:
    """The flags as Launch. A bad value ends the program with one sentence."""
    launch, _, rest = read(argv)
    tell_unknown(rest)
    return launch


def read(argv: Sequence[str]) -> tuple[Launch, frozenset[str], list[str]]:
    """As `parse`, with the names of the fields that were given, and the words that are no flags of the program's."""
    parser = _parser()
    known, rest = parser.parse_known_args(list(argv))
    if idle := getattr(known, IDLE, ()):
        log.warning("Ignored, because they mean nothing here: %s", ", ".join(dict.fromkeys(idle)))
    given = {}
    for name, spec in specs(Launch).items():
        if hasattr(known, name):
            try:
                given[name] = replace(spec, label=spec.flag or name).check(_value(spec, getattr(known, name)))
            except ValueError as error:
                parser.error(str(error))
    return Launch(**given), frozenset(given), rest


def tell_unknown(rest: Sequence[str]) -> None:
    """Say once which flags nobody knows."""
    if unknown := _flags(rest):
        log.warning("Ignored, because neither this program nor A1111 knows them: %s", ", ".join(unknown))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="webui.py", allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for name, spec in specs(Launch).items():
        words: dict[str, Any] = {"dest": name, "help": _help(spec)}
        if spec.type is bool:
            words["action"] = "store_true"
        elif spec.type is list:
            words |= {"nargs": "*", "action": "extend", "metavar": "VALUE"}
        else:
            words["metavar"] = spec.type.__name__.upper()
        parser.add_argument(str(spec.flag), **words)
    known = {spec.flag for spec in specs(Launch).values()}
    for flag, values in MEANINGLESS.items():
        if flag not in known:
            parser.add_argument(flag, action=_ReadOver, dest=IDLE, nargs=values, help=argparse.SUPPRESS)
    return parser


class _ReadOver(argparse.Action):
    """Notes that a flag was given; its value, if any, is of no interest."""

    def __call__(
        self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        setattr(namespace, IDLE, [*getattr(namespace, IDLE, ()), option_string])


def _help(spec: Spec) -> str:
    default = f" (default: {spec.default})" if spec.default and spec.type is not bool else ""
    return f"{spec.label}. {spec.doc}".strip().replace("%", "%%") + default


def _value(spec: Spec, value: Any) -> Any:
    """A list flag without values means all."""
    return value or ["all"] if spec.type is list else value


def _flags(rest: Sequence[str]) -> list[str]:
    """The flags among arguments that the parser left over, each once; their values go with them."""
    flags = [word.partition("=")[0] for word in rest if word.startswith("-")]
    return list(dict.fromkeys(flags or rest))
