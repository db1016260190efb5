"""A1111's `modules.rng`: noise from seeds, as the options draw it."""

from modules.compat.tensors import create_random_tensors as _create
from modules.compat.tensors import noise as _noise


def randn(seed, shape, generator=None):
    """Of one seed."""
    return _noise(int(seed), tuple(shape))


randn_local = randn


def randn_like(x):
    """Of no seed."""
    import torch

    return torch.randn_like(x)


randn_without_seed = None


def slerp(val, low, high):
    """Between two on a sphere."""
    import torch

    low_norm = low / torch.norm(low, dim=1, keepdim=True)
    high_norm = high / torch.norm(high, dim=1, keepdim=True)
    dot = (low_norm * high_norm).sum(1)
    if float(dot.mean()) > 0.9995:
        return low * val + high * (1 - val)
    omega = torch.acos(dot)
    so = torch.sin(omega)
    return (torch.sin((1.0 - val) * omega) / so).unsqueeze(1) * low + (torch.sin(val * omega) / so).unsqueeze(1) * high


class ImageRNG:
    """The noise of some seeds, call by call."""

    def __init__(self, shape, seeds, subseeds=None, subseed_strength=0.0, seed_resize_from_h=0, seed_resize_from_w=0):
        from modules.compat.models import device, options
        from modules.sampling.rng import NoiseSource

        self.shape, self.seeds, self.subseeds = tuple(shape), list(seeds), subseeds
        view = options()
        self._source = NoiseSource(view.randn_source, tuple(seeds), self.shape, device(), view.eta_noise_seed_delta)

    def first(self):
        """The first."""
        return self._source.next()

    next = first


create_random_tensors = _create
