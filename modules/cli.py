"""The command line: each flag made from a Spec of Launch; A1111's other flags are said to be ignored, or refused."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from modules.declare import Spec, specs
from modules.settings.sections import Launch

log = logging.getLogger(__name__)

# Flags whose silent loss would leave open, or unencrypted, or changeable, what the user meant to close.
NOT_YET = (
    "--share", "--ngrok", "--gradio-auth-path", "--tls-keyfile", "--tls-certfile", "--freeze-settings",
    "--freeze-settings-in-sections", "--freeze-specific-settings",
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message.removeprefix('argument ')}\n")


def parse(argv: Sequence[str]) -> Launch:
    """The flags as Launch. A bad value, or a flag that must not be ignored, ends the program with one sentence."""
    return read(argv)[0]


def read(argv: Sequence[str]) -> tuple[Launch, frozenset[str]]:
    """As `parse`, and the names of the fields that were given."""
    parser = _parser()
    known, rest = parser.parse_known_args(list(argv))
    unknown = _flags(rest)
    for flag in unknown:
        if flag in NOT_YET:
            parser.error(f"{flag} is not supported yet, and going on without it may be unsafe; leave it out.")
    if unknown:
        log.warning("Ignored, because this program does not know them: %s", ", ".join(unknown))
    given = {}
    for name, spec in specs(Launch).items():
        if hasattr(known, name):
            try:
                given[name] = replace(spec, label=spec.flag or name).check(_value(spec, getattr(known, name)))
            except ValueError as error:
                parser.error(str(error))
    return Launch(**given), frozenset(given)


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
    return parser


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
