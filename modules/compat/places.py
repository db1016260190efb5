"""Folders under A1111's names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules.app import App
from modules.settings.folders import PROGRAM


def _text(place: Callable[[App], Path]) -> Callable[[App], Any]:
    return lambda app: str(place(app))


PLACES: dict[str, Callable[[App], Any]] = {
    "data_path": _text(lambda app: app.folders.data),
    "script_path": _text(lambda app: app.folders.data),
    "models_path": _text(lambda app: app.folders.models),
    "default_models_path": _text(lambda app: app.folders.models),
    "extensions_dir": _text(lambda app: app.folders.data / "extensions"),
    "extensions_builtin_dir": _text(lambda app: PROGRAM / "extensions-builtin"),
    "config_states_dir": _text(lambda app: app.folders.data / "config_states"),
    "default_output_dir": _text(lambda app: app.folders.data / "outputs"),
    "roboto_ttf_file": _text(lambda app: PROGRAM / "fonts"),
    "modules_path": _text(lambda app: PROGRAM / "modules"),
    "sd_model_file": _text(lambda app: app.folders.checkpoints[0] / "model.ckpt"),
    "sd_configs_path": _text(lambda app: PROGRAM / "configs"),
    "sd_default_config": lambda app: "",
    "sd_path": lambda app: "",
    "cwd": lambda app: str(Path.cwd()),
    "normalized_filepath": lambda app: lambda path: str(Path(path).resolve()),
    "parser": lambda app: None,
    "cmd_opts_pre": lambda app: __import__("modules.shared").shared.cmd_opts,
}
