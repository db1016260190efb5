"""A1111's callbacks: what extensions register with `script_callbacks.on_…`, and the objects they are called with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.compat.blame import BLAME
from modules.host.events import Counting
from modules.host.troubles import Report


@dataclass(frozen=True, slots=True)
class ScriptCallback:
    """One registered function, with the file and the extension it came from."""

    script: str
    callback: Callable[..., Any]
    extension: str = ""
    name: str = ""
    job: int = 0  # in which it was registered


KINDS = {  # what follows `on_` → the list in A1111's callback_map
    "app_started": "callbacks_app_started",
    "before_reload": "callbacks_on_reload",
    "before_ui": "callbacks_before_ui",
    "model_loaded": "callbacks_model_loaded",
    "ui_tabs": "callbacks_ui_tabs",
    "ui_train_tabs": "callbacks_ui_train_tabs",
    "ui_settings": "callbacks_ui_settings",
    "before_image_saved": "callbacks_before_image_saved",
    "image_saved": "callbacks_image_saved",
    "extra_noise": "callbacks_extra_noise",
    "cfg_denoiser": "callbacks_cfg_denoiser",
    "cfg_denoised": "callbacks_cfg_denoised",
    "cfg_after_cfg": "callbacks_cfg_after_cfg",
    "before_component": "callbacks_before_component",
    "after_component": "callbacks_after_component",
    "image_grid": "callbacks_image_grid",
    "infotext_pasted": "callbacks_infotext_pasted",
    "script_unloaded": "callbacks_script_unloaded",
    "list_optimizers": "callbacks_list_optimizers",
    "list_unets": "callbacks_list_unets",
    "before_token_counter": "callbacks_before_token_counter",
}
NEWEST_FIRST = ("script_unloaded",)
LEAKED = "it registers the same callback job after job and takes none back; those of earlier jobs were taken off."


@dataclass(slots=True)
class Callbacks:
    """All registered functions by kind."""

    map: dict[str, list[ScriptCallback]] = field(default_factory=lambda: {name: [] for name in KINDS.values()})

    def add(self, kind: str, callback: Callable[..., Any], name: str | None = None, depth: int = 2) -> None:
        """Register a function for whoever calls `on_…`."""
        filename = sys._getframe(depth).f_code.co_filename
        made = ScriptCallback(filename, callback, BLAME.owner(filename), name or "", BLAME.job)
        if made.job and (left := [one for one in self.map[KINDS[kind]] if _left_by(one, made)]):
            self.remove(lambda one: one in left)
            BLAME.troubles.note(made.extension, f"with on_{kind}", Report(LEAKED))
        self.map[KINDS[kind]].append(made)

    def listening(self, kind: str) -> bool:
        """Whether anybody registered."""
        return bool(self.map[KINDS[kind]])

    def run(self, kind: str, *args: Any) -> list[Any]:
        """Call all in order; the answers of those that gave one. Who fails is left out for the rest of the job."""
        listeners = self.map[KINDS[kind]]
        if not listeners:
            return []
        answers = []
        for one in [*reversed(listeners)] if kind in NEWEST_FIRST else [*listeners]:
            answer = BLAME.call(one.extension, f"on_{kind}", lambda one=one: one.callback(*args), None)  # type: ignore[misc]
            if answer is not None:
                answers.append(answer)
        return answers

    def all(self) -> list[ScriptCallback]:
        """Of every kind."""
        return [one for listeners in self.map.values() for one in listeners]

    def remove(self, wanted: Callable[[ScriptCallback], bool]) -> None:
        """Forget the callbacks for which the condition holds."""
        for listeners in self.map.values():
            listeners[:] = [one for one in listeners if not wanted(one)]


def _left_by(one: ScriptCallback, new: ScriptCallback) -> bool:
    """Whether it is the same function as a new one, registered by an earlier job."""
    same = one.extension == new.extension and _code(one.callback) is _code(new.callback)
    return same and one.job not in (0, new.job)


def _code(function: Any) -> Any:
    return getattr(getattr(function, "__func__", function), "__code__", function)


CALLBACKS = Callbacks()


class Params:
    """What a callback is given: attributes that it may read and change."""

    FIELDS: tuple[str, ...] = ()
    USUAL: dict[str, Any] = {}

    def __init__(self, *args: Any, **words: Any):
        given = {**dict.fromkeys(self.FIELDS), **self.USUAL, **dict(zip(self.FIELDS, args, strict=False)), **words}
        for name, value in given.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class ImageSaveParams(Params):
    """A picture about to be saved, or saved: `pnginfo` holds its texts by key."""

    FIELDS = "image", "p", "filename", "pnginfo"


class ExtraNoiseParams(Params):
    """Noise that is added to an img2img latent `x`."""

    FIELDS = "noise", "x", "xi"


class CFGDenoiserParams(Params):
    """Before the model is called: x, σ (one for each row) and what steers it, cond rows and uncond rows."""

    FIELDS = (
        "x", "image_cond", "sigma", "sampling_step", "total_sampling_steps", "text_cond", "text_uncond", "denoiser",
    )  # fmt: skip


class CFGDenoisedParams(Params):
    """After it: x₀ of all rows."""

    FIELDS = "x", "sampling_step", "total_sampling_steps", "inner_model"


class AfterCFGCallbackParams(Params):
    """After guidance: x₀."""

    FIELDS = "x", "sampling_step", "total_sampling_steps"
    USUAL = {"output_altered": False}


class UiTrainTabParams(Params):
    """The inputs of txt2img, for training previews."""

    FIELDS = ("txt2img_preview_params",)


class ImageGridLoopParams(Params):
    """A grid about to be laid out."""

    FIELDS = "imgs", "cols", "rows"
    USUAL = {"cols": 1, "rows": 1}


def lay_out(imgs: Sequence[Any], rows: int, cols: int) -> tuple[list[Any], int, int]:
    """`on_image_grid`: (pictures, rows, columns) as wanted; pictures without a place in the grid are left out."""
    params = ImageGridLoopParams([*imgs], cols, rows)
    CALLBACKS.run("image_grid", params)
    asked = [*params.imgs], params.rows, params.cols
    if not asked[0] or not all(isinstance(size, int) and size > 0 for size in asked[1:]):
        return [*imgs], rows, cols
    return asked[0][: params.rows * params.cols], params.rows, params.cols


class BeforeTokenCounterParams(Params):
    """A prompt whose tokens are to be counted."""

    FIELDS = "prompt", "steps", "styles", "is_positive"
    USUAL = {"is_positive": True}


def before_token_counter(counting: Counting) -> None:
    """`on_before_token_counter`."""
    if not CALLBACKS.listening("before_token_counter"):
        return
    params = BeforeTokenCounterParams(
        counting.prompt, counting.steps, counting.styles, is_positive=not counting.negative
    )
    CALLBACKS.run("before_token_counter", params)
    counting.prompt, counting.steps, counting.styles = str(params.prompt), int(params.steps), [*(params.styles or ())]
