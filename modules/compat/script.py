"""`scripts.Script` and what its hooks are given."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules.compat.binding import app, bound
from modules.compat.blame import BLAME
from modules.exceptions import ExtensionError


class AlwaysVisible:
    """What `show` answers for a script that takes part in every picture. `scripts.AlwaysVisible` is one instance."""

    def __repr__(self) -> str:
        return "AlwaysVisible"


ALWAYS = AlwaysVisible()


class _Holder:
    """An object with one or two named values that a hook may replace."""

    NAMES: tuple[str, ...] = ("image",)

    def __init__(self, *values: Any, **words: Any):
        for name, value in {
            **dict.fromkeys(self.NAMES),
            **dict(zip(self.NAMES, values, strict=False)),
            **words,
        }.items():
            setattr(self, name, value)


class PostprocessImageArgs(_Holder):
    """A finished picture."""

    NAMES = "image", "index"
    image: Any
    index: Any


class PostProcessMaskOverlayArgs(_Holder):
    """What is laid over a picture drawn within a mask, before it is."""

    NAMES = "index", "mask_for_overlay", "overlay_image"
    index: Any
    mask_for_overlay: Any
    overlay_image: Any


class PostprocessBatchListArgs(_Holder):
    """A batch's pictures as a list of tensors `[3,H,W]`, 0 to 1, that may be changed or shortened."""

    NAMES = ("images",)
    images: Any


class PostSampleArgs(_Holder):
    """A batch's latents."""

    NAMES = ("samples",)
    samples: Any


class MaskBlendArgs(_Holder):
    """How what is kept and what is drawn are blended, at a step or at the end."""

    NAMES = (
        "current_latent", "nmask", "init_latent", "mask", "blended_latent", "denoiser", "sigma",
    )  # fmt: skip

    blended_latent: Any
    denoiser: Any

    def __init__(self, *values: Any, **words: Any):
        super().__init__(*values, **words)
        self.is_final_blend = self.denoiser is None


class OnComponent:
    """A component that was made, as `on_before_component` and `on_after_component` of a script are told."""

    def __init__(self, component: Any = None):
        self.component = component


class Script:
    """The base of A1111's scripts: hooks that do nothing."""

    name: Any = None
    section: Any = None
    filename: Any = None
    args_from: Any = None
    args_to: Any = None
    alwayson = False
    is_txt2img = False
    is_img2img = False
    tabname: Any = None
    group: Any = None
    create_group = True
    infotext_fields: Any = None
    paste_field_names: Any = None
    api_info: Any = None
    on_before_component_elem_id: Any = None
    on_after_component_elem_id: Any = None
    setup_for_ui_only = False
    controls: Any = None
    extension = ""
    load_script_module: Any = None

    def title(self) -> str:
        """The name on the page and in the API."""
        raise NotImplementedError

    def ui(self, is_img2img: bool) -> Any:
        """Make the components and give the list of those whose values are the hooks' arguments."""

    def show(self, is_img2img: bool) -> Any:
        """False, True, or AlwaysVisible."""
        return True

    def run(self, p: Any, *args: Any) -> Any:
        """Make the pictures in place of the program; gives a Processed."""

    def setup(self, p: Any, *args: Any) -> None:
        """`p` was made."""

    def before_process(self, p: Any, *args: Any) -> None:
        """Nothing has been decided yet."""

    def process(self, p: Any, *args: Any) -> None:
        """Prompts and seeds of all images are known."""

    def before_process_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """Before the networks in a batch's prompts are read."""

    def after_extra_networks_activate(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """After they are on."""

    def process_before_every_sampling(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """Before each walk."""

    def process_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """Before a batch is drawn."""

    def postprocess_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """After it, with its pictures as a tensor."""

    def postprocess_batch_list(self, p: Any, pp: PostprocessBatchListArgs, *args: Any, **kwargs: Any) -> None:
        """After it, with its pictures as a list."""

    def on_mask_blend(self, p: Any, mba: MaskBlendArgs, *args: Any) -> None:
        """Each time what is kept and what is drawn are blended."""

    def post_sample(self, p: Any, ps: PostSampleArgs, *args: Any) -> None:
        """After the walk, before its latents are decoded."""

    def postprocess_image(self, p: Any, pp: PostprocessImageArgs, *args: Any) -> None:
        """For each picture."""

    def postprocess_maskoverlay(self, p: Any, ppmo: PostProcessMaskOverlayArgs, *args: Any) -> None:
        """Before what is kept is laid over a picture."""

    def postprocess_image_after_composite(self, p: Any, pp: PostprocessImageArgs, *args: Any) -> None:
        """And after that."""

    def postprocess(self, p: Any, processed: Any, *args: Any) -> None:
        """All is done."""

    def before_hr(self, p: Any, *args: Any) -> None:
        """Before the hires pass."""

    def before_component(self, component: Any, **kwargs: Any) -> None:
        """Before a component of the page is made."""

    def after_component(self, component: Any, **kwargs: Any) -> None:
        """After it."""

    def on_before_component(self, callback: Callable[..., None], *, elem_id: str) -> None:
        """Call before the component of this id is made."""
        self.on_before_component_elem_id = [*(self.on_before_component_elem_id or ()), (elem_id, callback)]

    def on_after_component(self, callback: Callable[..., None], *, elem_id: str) -> None:
        """Call after it."""
        self.on_after_component_elem_id = [*(self.on_after_component_elem_id or ()), (elem_id, callback)]

    def describe(self) -> str:
        """For people."""
        return ""

    def elem_id(self, item_id: str) -> str:
        """A1111's id for an element of the script's."""
        need_tabname = self.show(True) == self.show(False)
        tab = ("img2img" if self.is_img2img else "txt2img") + "_" if need_tabname else ""
        title = re.sub(r"[^a-z_0-9]", "", re.sub(r"\s", "_", self.title().lower()))
        return f"script_{tab}{title}_{item_id}"


class ScriptBuiltinUI(Script):
    """The base of A1111's own parts of the page."""

    setup_for_ui_only = True


def overrides(script: Script, hook: str) -> bool:
    """Whether a script does something in a hook."""
    return getattr(type(script), hook, None) is not getattr(Script, hook) or hook in vars(script)


def basedir() -> str:
    """The folder of the extension that asks: of the one being loaded, else of the caller's file."""
    if BLAME.folder is not None:
        return str(BLAME.folder)
    frame = inspect.currentframe()
    asks = frame.f_back.f_back if frame is not None and frame.f_back is not None else None
    if asks is not None:
        for root in BLAME.roots:
            if Path(asks.f_code.co_filename).is_relative_to(root):
                return str(root)
    return str(app().folders.data) if bound() else str(Path.cwd())


def refused(script: Script, why: str) -> ExtensionError:
    """What to say of a script that cannot be used so."""
    return ExtensionError(f"The script {script.title()!r} {why}")
