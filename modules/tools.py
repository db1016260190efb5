"""Commands beside the server: `python -m modules.tools merge A B [C]`, `… download SOURCE`.

The folders are told by the server's flags, everything else by its settings.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

from modules import cli
from modules.app import App, build
from modules.declare import Spec, checked, specs
from modules.exceptions import WebuiError
from modules.jobs.queue import Job
from modules.weights.downloads.request import Download
from modules.weights.recipe import Merge

Start = Callable[[App, dict[str, Any]], Job]


def _merge(app: App, said: dict[str, Any]) -> Job:
    names = (name for name, spec in specs(Merge).items() if spec.choices == "checkpoints")
    chosen = dict(zip(names, said.pop("models"), strict=False))
    return app.merge(Merge(**checked(Merge, chosen | said)))


def _download(app: App, said: dict[str, Any]) -> Job:
    return app.download(Download(**checked(Download, said)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="modules.tools", argument_default=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    merge = commands.add_parser("merge", help="make one checkpoint of two or three", argument_default=argparse.SUPPRESS)
    merge.add_argument("models", nargs="+", metavar="MODEL", help="A, B and C: names, titles, hashes or paths")
    _flags(merge, (spec for spec in specs(Merge).values() if spec.choices != "checkpoints"))
    merge.set_defaults(start=_merge)
    download = commands.add_parser("download", help="fetch a model file", argument_default=argparse.SUPPRESS)
    source = specs(Download)["source"]
    download.add_argument(source.name, metavar="SOURCE", help=source.doc)
    _flags(download, (spec for name, spec in specs(Download).items() if name != source.name))
    download.set_defaults(start=_download)
    return parser


def _flags(parser: argparse.ArgumentParser, fields: Any) -> None:
    for spec in fields:
        flag = "--" + spec.name.replace("_", "-")
        help_text = f"{spec.label}. {spec.doc}".replace("%", "%%")
        if spec.type is bool:
            parser.add_argument(flag, dest=spec.name, action=argparse.BooleanOptionalAction, help=help_text)
        else:
            parser.add_argument(flag, dest=spec.name, metavar=_kind(spec), help=help_text)


def _kind(spec: Spec) -> str:
    return spec.type.__name__.upper()


def main(words: Sequence[str]) -> int:
    """Do what the words say and wait for it; the exit status."""
    said, rest = _parser().parse_known_args(list(words))
    fields = vars(said)
    del fields["command"]
    start: Start = fields.pop("start")
    app = build(cli.parse(rest))
    try:
        job = start(app, fields)
        while not job.finished.wait(0.5):
            _say(f"\r{job.progress.text} {job.progress.fraction:.0%} ")
        _say(f"\r{job.wait()}\n")
        return 0
    except (WebuiError, ValueError) as error:
        logging.error("%s", error)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        app.queue.close()


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s: %(message)s", level="INFO")
    sys.exit(main(sys.argv[1:]))
