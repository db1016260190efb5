"""A1111's `modules.scripts`: the base class of scripts, and those that are loaded."""

from modules import script_callbacks  # noqa: F401
from modules.compat.binding import facade as _facade
from modules.compat.registry import REGISTRY as _REGISTRY
from modules.compat.registry import ScriptClassData, ScriptFile, ScriptRunner  # noqa: F401
from modules.compat.script import (  # noqa: F401
    ALWAYS,
    MaskBlendArgs,
    OnComponent,
    PostprocessBatchListArgs,
    PostprocessImageArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
    Script,
    ScriptBuiltinUI,
    basedir,
)

AlwaysVisible = ALWAYS
scripts_data = _REGISTRY.scripts_data
postprocessing_scripts_data = _REGISTRY.postprocessing
scripts_txt2img = _REGISTRY.txt2img
scripts_img2img = _REGISTRY.img2img
scripts_postproc = _REGISTRY.postproc


def list_scripts(scriptdirname, extension, *, include_extensions=True):
    """The files of a kind in a folder of each extension."""
    return _REGISTRY.files(scriptdirname, extension)


def list_files_with_name(filename):
    """The files of that name, one of each extension at most."""
    return _REGISTRY.named(filename)


def load_scripts():
    """Nothing to do: the program loads them."""


reload_scripts = load_scripts


def reload_script_body_only():
    """Nothing to do: scripts are read at start."""


_facade(__name__, {"scripts_current": (lambda app: _REGISTRY.current(), lambda app, value: None)})
