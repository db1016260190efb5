"""A1111's `modules.sd_models`: the checkpoints and the one that is loaded."""

from modules.compat import models as _models
from modules.compat.binding import app as _app
from modules.compat.binding import facade as _facade
from modules.compat.models import CheckpointInfo, ModelData  # noqa: F401

model_dir = "Stable-diffusion"
model_data = ModelData()
checkpoint_tiles = _models.checkpoint_tiles
list_models = _models.refresh_checkpoints
get_closet_checkpoint_match = _models.closest
checkpoints_loaded = {}


def get_closest_checkpoint_match(search_string):
    """The checkpoint that a text means; None if there is none."""
    return _models.closest(search_string)


def select_checkpoint():
    """The chosen one."""
    return _models.chosen()


def model_hash(filename):
    """A1111's oldest hash: eight digits of a part of the file."""
    import hashlib

    with open(filename, "rb") as file:
        file.seek(0x100000)
        return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]


def read_state_dict(checkpoint_file, print_global_state=False, map_location=None):
    """The tensors of a file; nothing in it is run."""
    from pathlib import Path

    from modules.weights.tensorfile import read_tensors

    return read_tensors(Path(checkpoint_file))


def load_torch_file(filename, map_location=None):
    """The same."""
    return read_state_dict(filename)


def get_state_dict_from_checkpoint(pl_sd):
    """The tensors within what was read."""
    return pl_sd.get("state_dict", pl_sd)


def read_metadata_from_safetensors(filename):
    """The notes in a file's header."""
    from safetensors import safe_open

    with safe_open(filename, "np") as file:
        return dict(file.metadata() or {})


def load_model(checkpoint_info=None, already_loaded_state_dict=None):
    """Have a checkpoint ready; gives its model."""
    return _models.load(checkpoint_info)


def reload_model_weights(sd_model=None, info=None, forced_reload=False):
    """The same."""
    return _models.load(info)


def unload_model_weights(sd_model=None, info=None):
    """Let the loaded checkpoint go."""
    _app().engine.unload()


def send_model_to_cpu(m):
    """Nothing to do: the program keeps memory by itself."""


send_model_to_device = send_model_to_trash = send_model_to_cpu
_facade(
    __name__,
    {
        "checkpoints_list": lambda app: {one.title: one for one in _models.checkpoints()},
        "checkpoint_aliases": lambda app: _models.aliases(),
        "checkpoint_alisases": lambda app: _models.aliases(),
        "model_path": lambda app: str(app.folders.checkpoints[0]),
        "sd_model": lambda app: _models.sd_model(),
    },
)
