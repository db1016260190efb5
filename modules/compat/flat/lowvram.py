"""A1111's `modules.lowvram`: the program keeps memory by itself."""

module_in_gpu = None


def send_everything_to_cpu():
    """Nothing to do."""


def is_needed(sd_model):
    """Never."""
    return False


def is_enabled(sd_model):
    """Never."""
    return False


def apply(sd_model):
    """Nothing to do."""


def setup_for_low_vram(sd_model, use_medvram):
    """Nothing to do."""
