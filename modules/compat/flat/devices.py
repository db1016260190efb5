"""A1111's `modules.devices`: the device and its precisions; torch is imported when one is read."""

import contextlib
import gc

from modules.compat import models as _models
from modules.compat.binding import facade as _facade

fp8 = False
unet_needs_upcast = False
force_fp16 = False
nv_rng = None


class NansException(Exception):
    """A tensor that is no number."""


def torch_gc():
    """Give memory back."""
    gc.collect()
    torch = _models.torch()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.ipc_collect()


def get_optimal_device():
    """The device that pictures are made on."""
    return _models.device()


def get_optimal_device_name():
    """Its name."""
    return str(_models.device())


def get_device_for(task):
    """One device serves all."""
    return _models.device()


def get_cuda_device_string():
    """Its name."""
    return str(_models.device())


def has_mps():
    """Is it Apple's?"""
    return _models.device().type == "mps"


def has_xpu():
    """Is it Intel's?"""
    return _models.device().type == "xpu"


def autocast(disable=False):
    """Mixed precision where the device has it."""
    torch, device = _models.torch(), _models.device()
    if disable or device.type == "cpu" or _models.dtype() == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type)


def without_autocast(disable=False):
    """No mixed precision."""
    torch, device = _models.torch(), _models.device()
    return contextlib.nullcontext() if disable else torch.autocast(device.type, enabled=False)


def cond_cast_unet(tensor):
    """In the UNet's precision."""
    return tensor.to(_models.dtype())


def cond_cast_float(tensor):
    """In 32 bits."""
    return tensor.float()


def test_for_nans(x, where):
    """Raise where nothing is a number."""
    if bool(_models.torch().all(_models.torch().isnan(x))):
        raise NansException(f"A tensor with all NaNs was produced in {where}.")


def manual_cast(target_dtype):
    """Nothing to do: models compute in the precision that they are in."""
    return contextlib.nullcontext()


def randn(seed, shape, generator=None):
    """Noise from a seed, as the options draw it."""
    from modules.compat.tensors import noise

    return noise(int(seed), tuple(shape))


def randn_local(seed, shape):
    """The same."""
    return randn(seed, shape)


def enable_tf32():
    """Left as it is."""


def first_time_calculation():
    """Nothing to do."""


_facade(
    __name__,
    {
        "device": (lambda app: _models.device(), lambda app, value: None),
        "device_interrogate": lambda app: _models.device(),
        "device_gfpgan": lambda app: _models.device(),
        "device_esrgan": lambda app: _models.device(),
        "device_codeformer": lambda app: _models.device(),
        "cpu": lambda app: _models.torch().device("cpu"),
        "dtype": lambda app: _models.dtype(),
        "dtype_vae": (lambda app: _models.dtype(vae=True), lambda app, value: None),
        "dtype_unet": lambda app: _models.dtype(),
        "dtype_inference": lambda app: _models.dtype(),
    },
)
