"""`shared.opts` and `OptionInfo`: extensions' options become the program's own, under the settings page's sections."""

from __future__ import annotations

import html
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from modules.compat.binding import app, bound, flagged
from modules.declare import Range, Spec
from modules.exceptions import WebuiError

log = logging.getLogger(__name__)


class OptionInfo:
    """What A1111 calls an option: default, label, component and its arguments, section; its methods chain."""

    def __init__(
        self,
        default: Any = None,
        label: str = "",
        component: Any = None,
        component_args: Any = None,
        onchange: Callable[[], None] | None = None,
        section: tuple[Any, ...] | None = None,
        refresh: Callable[[], Any] | None = None,
        comment_before: str = "",
        comment_after: str = "",
        infotext: str | None = None,
        restrict_api: bool = False,
        category_id: str | None = None,
        **unknown: Any,
    ):
        self.default, self.label = default, label
        self.component, self.component_args = component, component_args
        self.onchange, self.section, self.refresh = onchange, section, refresh
        self.comment_before, self.comment_after = comment_before, comment_after
        self.infotext, self.restrict_api, self.category_id = infotext, restrict_api, category_id
        self.do_not_save = False

    def link(self, label: str, url: str) -> OptionInfo:
        """A link beside the label."""
        self.comment_before += f"[{label}: {url}]"
        return self

    def js(self, label: str, js_func: str) -> OptionInfo:
        """A link that runs a script; there is none on this page."""
        return self

    def info(self, info: str) -> OptionInfo:
        """A note behind the label."""
        self.comment_after += f"({info})"
        return self

    def html(self, text: str) -> OptionInfo:
        """A note as HTML."""
        self.comment_after += text
        return self

    def needs_restart(self) -> OptionInfo:
        """It takes effect at the next start."""
        self.comment_after += "(requires restart)"
        return self

    def needs_reload_ui(self) -> OptionInfo:
        """It takes effect when the page is made anew."""
        self.comment_after += "(requires Reload UI)"
        return self


class OptionHTML(OptionInfo):
    """A text on the settings page."""

    def __init__(self, text: str):
        super().__init__(str(text).strip(), label="")
        self.do_not_save = True


class OptionDiv(OptionInfo):
    """A line on the settings page."""

    def __init__(self) -> None:
        super().__init__("", label="")
        self.do_not_save = True


def options_section(section: tuple[Any, ...], options: dict[str, OptionInfo]) -> dict[str, OptionInfo]:
    """Put options under a section: (id, title), maybe a category behind."""
    for one in options.values():
        one.section = section[:2]
        one.category_id = section[2] if len(section) > 2 else None
    return options


def spec_of(name: str, info: OptionInfo) -> Spec:
    """The declaration that an OptionInfo amounts to."""
    words = _arguments(info)
    choices = words.get("choices")
    many = bool(words.get("multiselect")) or isinstance(info.default, (list, tuple, set))
    kind = list if many else _kind(info.default)
    low: Any = words.get("minimum")
    high: Any = words.get("maximum")
    slider = kind in (int, float) and low is not None and high is not None
    if slider and kind is int and words.get("step") and float(words["step"]) != int(words["step"]):
        kind = float
    return Spec(
        label=html.unescape(info.label or name),
        doc=" ".join(filter(None, (info.comment_before, info.comment_after))),
        name=name,
        type=kind,
        optional=info.default is None,
        default=list(info.default) if isinstance(info.default, (tuple, set)) else info.default,
        slider=Range(low, high, words.get("step") or 1) if slider else None,
        choices=f"{name} of an extension" if callable_choices(info) or choices else (),
        infotext=None,
        hidden=info.do_not_save or words.get("visible") is False or kind is object,
        section=str(info.section[1]) if info.section and len(info.section) > 1 and info.section[1] else "Uncategorized",
    )


def callable_choices(info: OptionInfo) -> bool:
    """Whether the choices are asked for anew each time."""
    return callable(info.component_args)


def choices_of(info: OptionInfo) -> list[Any]:
    """What there is to choose from now."""
    found = _arguments(info).get("choices") or []
    return [one[-1] if isinstance(one, (tuple, list)) else one for one in found]


def _arguments(info: OptionInfo) -> dict[str, Any]:
    given = info.component_args
    try:
        words = given() if callable(given) else given
    except Exception as error:  # noqa: BLE001 - an extension's own code
        log.warning("The option %r could not say what there is to choose from: %s", info.label, error)
        words = None
    return dict(words) if isinstance(words, Mapping) else {}


def _kind(default: Any) -> type:
    return type(default) if isinstance(default, (bool, int, float, str)) else str if default is None else object


class Opts:
    """`shared.opts`: one object for as long as the program runs, because extensions keep it from their import on.

    A read is of the options as they are now; within a job, of that job's.
    """

    def __init__(self) -> None:
        self.__dict__["data_labels"] = {}
        self.__dict__["templates"] = {}
        self.__dict__["jobs"] = []
        self.__dict__["extra"] = {}
        self.__dict__["restricted_opts"] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not bound():
            raise AttributeError(name)
        view = self.__dict__["jobs"][-1] if self.__dict__["jobs"] else app().options.view()
        try:
            return getattr(view, name)
        except AttributeError:
            pass
        extra, labels = self.__dict__["extra"], self.__dict__["data_labels"]
        if name in extra:
            return extra[name]
        if name in DEFAULTS:
            return DEFAULTS[name]
        if name in labels:
            return labels[name].default
        raise AttributeError(f"'Options' object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__:
            self.__dict__[name] = value
        else:
            self.set(name, value)

    def set(self, key: str, value: Any, is_api: bool = False, run_callbacks: bool = True) -> bool:
        """Change an option for good; whether it changed."""
        options = app().options
        if key not in options.specs:
            self.__dict__["extra"][key] = value
            return True
        if getattr(options.view(), key) == value:
            return False
        try:
            options.change({key: value})
        except WebuiError as error:
            log.warning("An extension could not set %s: %s", key, error)
            return False
        return True

    @property
    def data(self) -> dict[str, Any]:
        """All values by name; what is written into it changes the options."""
        return Data(self)

    def add_option(self, key: str, info: OptionInfo) -> None:
        """Register an extension's option; of two of the same name the first counts."""
        labels = self.__dict__["data_labels"]
        if key in labels or key in app().options.specs:
            labels.setdefault(key, info)
            return
        labels[key] = info
        spec = spec_of(key, info)
        if isinstance(spec.choices, str):
            catalogs = app().catalogs
            if isinstance(catalogs, dict):
                catalogs[spec.choices] = lambda: choices_of(info)
        app().options.register(spec)
        if info.onchange is not None:
            self.onchange(key, info.onchange, call=False)

    def onchange(self, key: str, func: Callable[[], Any], call: bool = True) -> None:
        """Call a function without arguments whenever the option has changed, and now."""
        app().options.on_change(key, lambda value: func())
        if call:
            func()

    def get_default(self, key: str) -> Any:
        """An option's default; None where there is no such option."""
        spec = app().options.specs.get(key)
        return spec.default if spec is not None else None

    def save(self, filename: str = "") -> None:
        """Nothing to do: each change is written at once."""

    def load(self, filename: str = "") -> None:
        """Nothing to do: the file is read at start."""

    def dumpjson(self) -> str:
        """All options as the page's scripts get them."""
        import json

        return json.dumps(app().options.view().as_dict(), default=str)

    def cast_value(self, key: str, value: Any) -> Any:
        """A value in its option's type."""
        spec = app().options.specs.get(key)
        return spec.check(value) if spec is not None else value

    def reorder(self) -> None:
        """Nothing to do: sections stand in the order they came in."""


class Data(dict[str, Any]):
    """`opts.data`: a dict of all values whose writes change the options."""

    def __init__(self, opts: Opts):
        super().__init__({**opts.__dict__["extra"], **app().options.view().as_dict()} if bound() else {})
        self._opts = opts

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._opts.set(key, value)

    def update(self, *args: Any, **words: Any) -> None:
        """Set each."""
        for key, value in dict(*args, **words).items():
            self[key] = value


class CmdOpts:
    """`shared.cmd_opts`: the flags by A1111's names; one that nobody knows is None."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if not flagged():
            return None
        program = app()
        if name in FOLDERS:
            return str(FOLDERS[name](program.folders))
        value = getattr(program.launch, name, None)
        if value is None and bound():
            value = program.extensions.flags.get(name)
        return None if value == "" else value

    def __contains__(self, name: str) -> bool:
        return getattr(self, name) is not None


FOLDERS: dict[str, Callable[[Any], Any]] = {  # flags that A1111 always has a value for
    "data_dir": lambda folders: folders.data,
    "ckpt_dir": lambda folders: folders.checkpoints[0],
    "vae_dir": lambda folders: folders.vaes[0],
    "lora_dir": lambda folders: folders.loras[0],
    "lyco_dir_backcompat": lambda folders: folders.loras[-1],
    "embeddings_dir": lambda folders: folders.embeddings,
    "hypernetwork_dir": lambda folders: folders.hypernetworks,
    "ui_settings_file": lambda folders: folders.config,
    "ui_config_file": lambda folders: folders.data / "ui-config.json",
    "localizations_dir": lambda folders: folders.localizations,
    "esrgan_models_path": lambda folders: folders.upscalers["ESRGAN"][0],
    "gfpgan_models_path": lambda folders: folders.faces["GFPGAN"][0],
    "codeformer_models_path": lambda folders: folders.faces["CodeFormer"][0],
}

DEFAULTS: dict[str, Any] = {  # options of A1111 that have no effect here and that extensions read
    "sd_checkpoint_hash": "",
    "sd_hypernetwork": "None",
    "sd_unet": "Automatic",
    "multiple_tqdm": True,
    "samples_log_stdout": False,
    "font": "",
    "img2img_editor_height": 720,
    "dataset_filename_word_regex": "",
    "dataset_filename_join_string": " ",
    "deepbooru_escape": True,
    "deepbooru_use_spaces": True,
    "deepbooru_sort_alpha": True,
    "deepbooru_filter_tags": "",
    "interrogate_clip_max_length": 48,
    "interrogate_clip_min_length": 24,
    "interrogate_clip_num_beams": 1,
    "interrogate_deepbooru_score_threshold": 0.5,
    "interrogate_keep_models_in_memory": False,
    "interrogate_return_ranks": False,
    "extra_networks_hidden_models": "When searched",
    "lora_not_found_gradio_warning": False,
    "lora_not_found_warning_console": False,
    "open_dir_button_choice": "Output Root",
    "outdir_init_images": "outputs/init-images",
    "save_init_img": False,
    "save_mask": False,
    "save_mask_composite": False,
    "save_incomplete_images": False,
    "temp_dir": "",
    "upcast_attn": False,
    "hypertile_enable_unet": False,
    "enable_console_prompts": False,
    "gradio_theme": "Default",
    "filter_nsfw": False,
    "live_preview_content": "Prompt",
    "show_progress_type": "Approx NN",
    "live_preview_refresh_period": 1000,
    "face_restoration": False,
    "face_restoration_model": "CodeFormer",
    "face_restoration_unload": False,
    "code_former_weight": 0.5,
    "save_images_before_face_restoration": False,
    "save_images_before_color_correction": False,
    "ui_reorder_list": [],
    "restore_config_state_file": "",
    "enable_emphasis": True,
    "tab_names": [],
    "list_hidden_files": True,
    "clean_temp_dir_at_start": False,
}


def takes(function: Any, name: str) -> bool:
    """Whether a function has a parameter of that name."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
