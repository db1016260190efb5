"""A1111's `modules.shared`: the program's parts as globals."""

import os

from modules.compat import models as _models
from modules.compat.binding import app as _app
from modules.compat.binding import facade as _facade
from modules.compat.opts import CmdOpts, OptionDiv, OptionHTML, OptionInfo, Opts, options_section  # noqa: F401
from modules.compat.state import State, TotalTqdm

cmd_opts = CmdOpts()
opts = Opts()
state = State()
total_tqdm = TotalTqdm()
options_templates = opts.templates
restricted_opts = opts.restricted_opts
parser = None
batch_cond_uncond = True
parallel_processing_allowed = True
xformers_available = False
clip_model = None
gradio_theme = None
gradio_hf_hub_themes = []
hypernetworks = {}
loaded_hypernetworks = []
settings_components = {}
tab_names = []
interrogator = _models.Interrogator()
mem_mon = _models.MemoryMonitor()
progress_print_out = None
demo = None
restart_server = None
list_checkpoint_tiles = _models.checkpoint_tiles
refresh_checkpoints = _models.refresh_checkpoints


def reload_hypernetworks():
    """Look at the folder again."""
    _app().shelves.hypernetworks.refresh()


def get_version():
    """The program's own."""
    from modules import VERSION

    return {"version": VERSION}


def natural_sort_key(s, regex=None):
    """Numbers within a text sort as numbers."""
    from modules.compat.files import natural

    return natural(s)


def listfiles(dirname):
    """The files of a folder by name."""
    from modules.compat.files import listed

    return listed(dirname)


def walk_files(path, allowed_extensions=None):
    """All files below a folder."""
    from modules.compat.files import walked

    return walked(path, allowed_extensions)


def html_path(filename):
    """Where A1111 kept its texts."""
    return os.path.join(str(_app().folders.data), "html", filename)


def html(filename):
    """One of them; there are none."""
    return ""


def ldm_print(*args, **kwargs):
    """Nothing: it silenced the old model code."""


def walk_image_files(path):
    """All pictures below a folder."""
    from modules.compat.files import walked

    return walked(path, [".png", ".jpg", ".jpeg", ".webp"])


_facade(
    __name__,
    {
        "sd_model": (lambda app: _models.sd_model(), lambda app, value: None),
        "device": lambda app: _models.device(),
        "weight_load_location": lambda app: None,
        "sd_upscalers": lambda app: _models.sd_upscalers(),
        "latent_upscale_default_mode": lambda app: "Latent",
        "latent_upscale_modes": lambda app: _models.latent_modes(),
        "face_restorers": lambda app: _models.face_restorers(),
        "prompt_styles": lambda app: _models.StyleDatabase(app),
        "config_filename": lambda app: str(app.folders.config),
        "hide_dirs": lambda app: {"visible": not app.launch.hide_ui_dir_config},
        "models_path": lambda app: str(app.folders.models),
        "data_path": lambda app: str(app.folders.data),
        "script_path": lambda app: str(app.folders.data),
        "styles_filename": lambda app: str(app.folders.data / "styles.csv"),
    },
)
