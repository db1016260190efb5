"""`xyz_grid` as extensions find it among the scripts: a list of axes that they append theirs to."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

from modules.compat.script import Script


class AxisOption:
    """An axis: how its values are read, set on `p`, shown, and what there is to choose from."""

    is_img2img = False

    def __init__(
        self,
        label: str,
        type: Callable[[str], Any],
        apply: Callable[[Any, Any, Any], None],
        format_value: Callable[..., Any] | None = None,
        confirm: Callable[..., None] | None = None,
        cost: float = 0.0,
        choices: Callable[[], Sequence[str]] | None = None,
        prepare: Callable[[Any], Any] | None = None,
    ):
        self.label, self.type, self.apply = label, type, apply
        self.format_value = format_value or format_value_add_label
        self.confirm, self.cost, self.choices, self.prepare = confirm, cost, choices, prepare


class AxisOptionTxt2Img(AxisOption):
    """Of txt2img alone."""


class AxisOptionImg2Img(AxisOption):
    """Of img2img alone."""

    is_img2img = True


def apply_field(field: str) -> Callable[[Any, Any, Any], None]:
    """Sets an attribute of `p`."""

    def apply(p: Any, x: Any, xs: Any) -> None:
        setattr(p, field, x)

    return apply


def apply_override(field: str, boolean: bool = False) -> Callable[[Any, Any, Any], None]:
    """Sets an option for the pictures."""

    def apply(p: Any, x: Any, xs: Any) -> None:
        p.override_settings[field] = str(x).lower() == "true" if boolean else x

    return apply


def boolean_choice(reverse: bool = False) -> Callable[[], list[str]]:
    """True and False."""
    return lambda: ["False", "True"] if reverse else ["True", "False"]


def format_value_add_label(p: Any, opt: Any, x: Any) -> str:
    """`Label: value`."""
    return f"{opt.label}: {round(x, 8) if isinstance(x, float) else x}"


def format_value(p: Any, opt: Any, x: Any) -> Any:
    """The value alone."""
    return round(x, 8) if isinstance(x, float) else x


def format_value_join_list(p: Any, opt: Any, x: Any) -> str:
    """Several as one text."""
    return ", ".join(x)


def format_nothing(p: Any, opt: Any, x: Any) -> str:
    """Nothing."""
    return ""


def do_nothing(p: Any, x: Any, xs: Any) -> None:
    """Sets nothing."""


class XyzScript(Script):
    """Stands for the program's own X/Y/Z plot among the scripts; it is no script of an extension."""

    def title(self) -> str:
        """A1111's."""
        return "X/Y/Z plot"

    def show(self, is_img2img: bool) -> bool:
        """The program's own is on the page."""
        return False


def module() -> types.ModuleType:
    """What `script_class.__module__ == "xyz_grid.py"` leads to."""
    made = types.ModuleType("xyz_grid.py", "A1111's X/Y/Z plot: the names that extensions use.")
    names = (AxisOption, AxisOptionTxt2Img, AxisOptionImg2Img, apply_field, apply_override, boolean_choice)
    more = (format_value_add_label, format_value, format_value_join_list, format_nothing, do_nothing)
    for one in (*names, *more):
        setattr(made, one.__name__, one)
    made.__dict__["axis_options"] = [AxisOption("Nothing", str, do_nothing, format_value=format_nothing)]
    XyzScript.__module__ = "xyz_grid.py"
    made.__dict__["Script"] = XyzScript
    return made
