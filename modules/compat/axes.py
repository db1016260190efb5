"""The axes that extensions append to A1111's X/Y/Z plot, as axes of the program's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from modules.compat.blame import BLAME
from modules.compat.processing import of_request
from modules.compat.registry import REGISTRY
from modules.compat.xyz import AxisOption
from modules.exceptions import ExtensionError, Interrupted
from modules.generate.request import Img2Img, Request, Txt2Img
from modules.host import axis_values
from modules.host.axis import Axis
from modules.host.script import Tab

APPLIED = "axes"  # among the always-on scripts of a request: what is set on its `p` before anybody sees it


def offered(tab: Tab) -> list[Axis]:
    """Those of a tab, as they are now."""
    over = tab == "img2img"
    options = [one for one in REGISTRY.axes() if type(one) is AxisOption or one.is_img2img is over]
    return [_axis(option, tab) for option in options]


def _axis(option: Any, tab: Tab) -> Axis:
    p = of_request(Img2Img() if tab == "img2img" else Txt2Img())
    return Axis(
        label=str(option.label),
        parse=partial(_parsed, option, p),
        split=option.prepare or axis_values.split,
        change=partial(_changed, option),
        told=partial(_told, option, p),
        choices=None if option.choices is None else lambda catalogs: _choices(option),
        cost=float(option.cost or 0),
    )


def _parsed(option: Any, p: Any, texts: Sequence[str]) -> list[Any]:
    """The values in the axis's own type, which it may confirm or refuse."""
    if option.type in (int, float):
        values: list[Any] = [*(axis_values.whole(texts) if option.type is int else axis_values.real(texts))]
    else:
        values = [_called(option, "its reading", option.type, text) for text in texts]
    if option.confirm is not None:
        _called(option, "its check", option.confirm, p, values)
    return values


def _told(option: Any, p: Any, label: str, value: Any) -> str:
    return str(_called(option, "its legend", option.format_value, p, option, value))


def _choices(option: Any) -> list[str]:
    try:
        return [str(one) for one in option.choices()]
    except Exception as error:  # noqa: BLE001 - the extension boundary
        BLAME.failed(_owner(option), f"the choices of its axis {option.label!r}", error)
        return []


def _changed(option: Any, request: Request, value: Any, values: Sequence[Any]) -> Request:
    always = request.alwayson_scripts
    return replace(request, alwayson_scripts=always | {APPLIED: [*always.get(APPLIED, ()), (option, value, values)]})


def apply(p: Any, request: Request) -> None:
    """Set on `p` what the axes want. ExtensionError where one fails."""
    for option, value, values in request.alwayson_scripts.get(APPLIED, ()):
        try:
            option.apply(p, value, values)
        except Interrupted:
            raise
        except Exception as error:
            BLAME.failed(_owner(option), f"its axis {option.label!r}", error)
            raise ExtensionError(f"The axis {option.label!r} of {_owner(option)} failed: {error}") from error


def _called(option: Any, what: str, function: Any, *args: Any) -> Any:
    """What the axis's function answers. ValueError with its words where it refuses."""
    try:
        return function(*args)
    except Exception as error:
        raise ValueError(f"{what} failed: {error}") from error


def _owner(option: Any) -> str:
    """The extension whose file one of its functions is in."""
    functions = (option.apply, option.type, option.choices, option.confirm, option.format_value)
    files = [one.__code__.co_filename for one in functions if hasattr(one, "__code__")]
    roots = [name for file in files for root, name in BLAME.roots.items() if file.startswith(str(root))]
    return roots[0] if roots else "an extension"
