"""The program's models, upscalers and styles under A1111's names; torch is imported when one of them is read."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from modules.compat.binding import app
from modules.exceptions import ExtensionError, NotFound
from modules.weights.library import Checkpoint


def torch() -> Any:
    """Imported now if need be."""
    import torch as made

    return made


def options() -> Any:
    """The options as they hold now: of the running job within one."""
    from modules.compat.running import RUNS

    view = RUNS.view()
    return view if view is not None else app().options.view()


def place() -> Any:
    """Device and precisions."""
    return app().engine._place()


def device() -> Any:
    """Where pictures are made."""
    return place().device


def dtype(vae: bool = False) -> Any:
    """In which precision."""
    return place().vae_dtype if vae else place().dtype


class CheckpointInfo:
    """A checkpoint as A1111 tells of it."""

    def __init__(self, filename: Any):
        one = filename if isinstance(filename, Checkpoint) else app().library.find(Path(filename).name)
        self.checkpoint = one
        self.filename, self.name, self.name_for_extra = str(one.path), one.name, one.model_name
        self.model_name, self.title, self.short_title = one.model_name, one.title, one.short_title
        self.sha256, self.shorthash, self.hash = one.sha256, one.short_hash, one.short_hash
        self.is_safetensors = one.path.suffix.lower() == ".safetensors"
        self.ids = [one.title, one.name, one.model_name, *([one.sha256, one.short_hash] if one.sha256 else [])]

    @property
    def metadata(self) -> dict[str, Any]:
        """The notes in its header."""
        if not self.is_safetensors:
            return {}
        from safetensors import safe_open

        with safe_open(self.filename, "np") as file:
            return dict(file.metadata() or {})

    def register(self) -> None:
        """Nothing to do: the folders are looked at."""

    def calculate_shorthash(self) -> str | None:
        """Its hash, computed now if need be."""
        one = app().library.hashed(self.checkpoint)
        self.sha256, self.shorthash, self.title, self.short_title = (
            one.sha256,
            one.short_hash,
            one.title,
            one.short_title,
        )
        return self.shorthash

    def __str__(self) -> str:
        return self.title


def checkpoints() -> list[CheckpointInfo]:
    """All of them."""
    return [CheckpointInfo(one) for one in app().library.checkpoints()]


def checkpoint_tiles(use_short: bool = False) -> list[str]:
    """Their titles."""
    return [one.short_title if use_short else one.title for one in app().library.checkpoints()]


def refresh_checkpoints() -> None:
    """Look at the folders again."""
    app().library.scan()


def aliases() -> dict[str, CheckpointInfo]:
    """All names of all of them."""
    return {str(name): one for one in checkpoints() for name in one.ids}


def closest(text: Any) -> CheckpointInfo | None:
    """The checkpoint that a text means."""
    try:
        return CheckpointInfo(app().library.find(str(text))) if text else None
    except NotFound:
        return None


def chosen() -> CheckpointInfo | None:
    """The one that the options choose."""
    found = closest(options().sd_model_checkpoint)
    if found is None and (first := app().library.first()) is not None:
        found = CheckpointInfo(first)
    return found


def load(info: Any = None) -> Any:
    """Have a checkpoint ready; within a job at once, else as a job. Gives its model."""
    wanted = info if isinstance(info, CheckpointInfo) else closest(info) if info else chosen()
    if wanted is None:
        raise ExtensionError("There is no checkpoint to load.")
    if info is not None:
        app().options.change({"sd_model_checkpoint": wanted.title})
    if threading.current_thread().name == "worker":
        app().engine.load(wanted.checkpoint)
    else:
        app().load_checkpoint().wait()
    return sd_model()


class SdModel:
    """The loaded model: what A1111's extensions ask of it that does not depend on its old code."""

    def __init__(self, model: Any):
        self.__dict__["loaded"] = model

    def __getattr__(self, name: str) -> Any:
        model = self.__dict__["loaded"]
        if model is None and name in LAZY:
            return LAZY[name]()
        found = None if model is None else READ.get(name)
        if found is None:
            raise AttributeError(
                f"sd_model.{name} is not offered: the model is diffusers'"
                if model is not None
                else f"sd_model.{name}: no checkpoint is loaded yet"
            )
        return found(model)

    def __bool__(self) -> bool:
        return True


def _first(model: Any) -> Any:
    return next(iter(model.towers.values()))


LAZY: dict[str, Any] = {  # known before anything is loaded
    "sd_checkpoint_info": chosen,
    "is_sdxl": lambda: False,
    "is_sd1": lambda: True,
    "is_sd2": lambda: False,
    "is_sd3": lambda: False,
    "is_flux": lambda: False,
    "is_ssd": lambda: False,
    "is_inpaint": lambda: False,
    "sd_model_hash": lambda: chosen().shorthash if chosen() else None,  # type: ignore[union-attr]
}
READ: dict[str, Any] = {
    "sd_checkpoint_info": lambda model: CheckpointInfo(model.checkpoint),
    "sd_model_checkpoint": lambda model: str(model.checkpoint.path),
    "sd_model_hash": lambda model: model.checkpoint.short_hash,
    "filename": lambda model: str(model.checkpoint.path),
    "is_sdxl": lambda model: model.arch.family.startswith("SDXL"),
    "is_sd1": lambda model: model.arch.family in ("SD1", "SD 1"),
    "is_sd2": lambda model: model.arch.family in ("SD2", "SD 2"),
    "is_sd3": lambda model: model.arch.family.startswith("SD3"),
    "is_flux": lambda model: model.arch.family.lower().startswith("flux"),
    "is_ssd": lambda model: False,
    "is_inpaint": lambda model: model.arch.given == "inpaint",
    "parameterization": lambda model: model.predicts,
    "cond_stage_key": lambda model: "txt",
    "device": lambda model: model.place.device,
    "dtype": lambda model: model.place.dtype,
    "alphas_cumprod": lambda model: model.levels.alphas,
    "first_stage_model": lambda model: model.vae.model,
    "cond_stage_model": _first,
    "model": lambda model: model.unet,
    "unet": lambda model: model.unet,
    "state_dict": lambda model: model.unet.state_dict,
    "named_modules": lambda model: model.unet.named_modules,
    "parameters": lambda model: model.unet.parameters,
    "to": lambda model: lambda *args, **words: SdModel(model),
    "eval": lambda model: lambda: SdModel(model),
    "decode_first_stage": lambda model: model.vae.decode,
    "encode_first_stage": lambda model: model.vae.encode,
    "get_first_stage_encoding": lambda model: lambda z: z,
    "lowvram": lambda model: False,
}


def loaded() -> Any:
    """The newest of the loaded models, if any."""
    cache = app().engine._cache
    models = list(cache._models.values()) if cache is not None else []
    return models[-1] if models else None


def sd_model() -> SdModel:
    """The loaded checkpoint; what is known of it before it is loaded is the chosen one's."""
    return SdModel(loaded())


class ModelData:
    """`sd_models.model_data`."""

    was_loaded_at_least_once = True

    @property
    def sd_model(self) -> Any:
        """The loaded checkpoint."""
        return sd_model()

    @sd_model.setter
    def sd_model(self, value: Any) -> None:
        """None lets it go."""
        if value is None:
            app().engine.unload()

    @property
    def loaded_sd_models(self) -> list[Any]:
        """Those in memory."""
        return [sd_model()] if loaded() is not None else []

    def get_sd_model(self) -> Any:
        """The loaded checkpoint."""
        return sd_model()

    def set_sd_model(self, value: Any, already_loaded: bool = False) -> None:
        """None lets it go."""
        self.sd_model = value


class UpscalerData:
    """An upscaler in the list."""

    def __init__(self, name: str, path: str = "", upscaler: Any = None, scale: int = 4, model: Any = None):
        self.name, self.data_path, self.local_data_path = name, path, path
        self.scaler, self.scale, self.model = upscaler or Scaler(name), scale, model

    def __repr__(self) -> str:
        return f"<UpscalerData name={self.name}>"


class Scaler:
    """What enlarges a picture by an upscaler's name."""

    def __init__(self, name: str):
        self.name, self.scalers = name, []  # type: ignore[var-annotated]

    def upscale(self, image: Any, scale: float, selected_model: Any = None) -> Any:
        """The picture enlarged."""
        from modules.weights.upscalers.store import Store

        store: Store = app().engine.upscaling()
        found = app().upscalers.find(self.name)
        return store.scaled(image, found, scale, options(), lambda share: None)

    def do_upscale(self, image: Any, selected_model: Any = None) -> Any:
        """The same by its own factor."""
        return self.upscale(image, app().upscalers.find(self.name).scale)


def sd_upscalers() -> list[UpscalerData]:
    """All of them."""
    return [UpscalerData(one.name, str(one.path or ""), Scaler(one.name), one.scale) for one in app().upscalers.all()]


def latent_modes() -> dict[str, dict[str, Any]]:
    """How latents are enlarged."""
    from modules.generate.stages import LATENT_MODES

    return {name: {"mode": mode, "antialias": smooth} for name, (mode, smooth) in LATENT_MODES.items()}


class FaceRestorer:
    """A face restorer in the list."""

    def __init__(self, name: str):
        self._name = name

    def name(self) -> str:
        """Its name."""
        return self._name

    def restore(self, np_image: Any) -> Any:
        """The picture with its faces drawn anew."""
        import numpy as np
        from PIL import Image

        from modules.weights.faces.store import Store

        store = Store(app().engine._place)
        made = store.mended(Image.fromarray(np_image), app().restorers.find(self._name), 0.5, lambda: None)
        return np.asarray(made)


def face_restorers() -> list[FaceRestorer]:
    """All of them."""
    return [FaceRestorer("CodeFormer"), FaceRestorer("GFPGAN")]


class StyleDatabase:
    """`shared.prompt_styles`."""

    def __init__(self, program: Any):
        self._styles = program.sources.styles

    @property
    def styles(self) -> dict[str, Any]:
        """By name."""
        return dict(self._styles.all())

    def reload(self) -> None:
        """Nothing to do: the files are looked at."""

    def get_style_prompts(self, styles: Any) -> list[str]:
        """The prompts of some."""
        return [self.styles[name].prompt for name in styles if name in self.styles]

    def get_negative_style_prompts(self, styles: Any) -> list[str]:
        """The negative prompts of some."""
        return [self.styles[name].negative_prompt for name in styles if name in self.styles]

    def apply_styles_to_prompt(self, prompt: str, styles: Any) -> str:
        """The prompt in styles."""
        return self._applied(prompt, "", styles)[0]

    def apply_negative_styles_to_prompt(self, prompt: str, styles: Any) -> str:
        """The negative prompt in styles."""
        return self._applied("", prompt, styles)[1]

    def _applied(self, prompt: str, negative: str, styles: Any) -> tuple[str, str]:
        from modules.prompts.styles import apply_styles

        return apply_styles(prompt, negative, [self.styles[name] for name in styles or () if name in self.styles])


class Interrogator:
    """`shared.interrogator`: describing pictures needs a model that does not come with the program."""

    def load(self) -> None:
        """Nothing to load."""

    def unload(self) -> None:
        """Nothing to let go."""

    def send_blip_to_ram(self) -> None:
        """Nothing to move."""

    def interrogate(self, image: Any) -> str:
        """Refused."""
        raise ExtensionError(
            "Describing pictures (interrogate) is not built in; use an extension that brings its model."
        )

    generate_caption = interrogate


class MemoryMonitor:
    """`shared.mem_mon`."""

    disabled = True

    def monitor(self) -> None:
        """Nothing to do."""

    def stop(self) -> dict[str, int]:
        """Nothing measured."""
        return {}

    def read(self) -> dict[str, int]:
        """Nothing measured."""
        return {}
