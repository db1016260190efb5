"""A1111's `modules.sd_vae`: the VAE files."""

from modules.compat.binding import app as _app
from modules.compat.binding import facade as _facade

vae_ignore_keys = {"model_ema.decay", "model_ema.num_updates"}
loaded_vae_file = None
checkpoint_info = None
base_vae = None
unspecified = object()


def refresh_vae_list():
    """Look at the folders again."""
    _app().shelves.vaes.refresh()


def get_loaded_vae_name():
    """The chosen one's."""
    name = _app().options.view().sd_vae
    return None if name in ("Automatic", "None") else name


def get_loaded_vae_hash():
    """Told in infotexts."""
    return None


def reload_vae_weights(sd_model=None, vae_file=unspecified):
    """The next picture takes what the options choose."""


def clear_loaded_vae():
    """Nothing to clear."""


_facade(
    __name__,
    {
        "vae_dict": lambda app: {one.path.name: str(one.path) for one in app.shelves.vaes.entries()},
        "vae_path": lambda app: str(app.folders.vaes[0]),
    },
)
