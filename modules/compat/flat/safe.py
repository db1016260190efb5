"""A1111's `modules.safe`: pickles are read without running anything in them, whatever is asked."""


def load(filename, *args, **kwargs):
    """Tensors of a file."""
    import torch

    kwargs.pop("extra_handler", None)
    return torch.load(filename, *args, **{**kwargs, "weights_only": True})


unsafe_torch_load = load


def load_with_extra(filename, extra_handler=None, *args, **kwargs):
    """The same."""
    return load(filename, *args, **kwargs)


class Extra:
    """Allowed more classes for a while; here nothing but tensors is ever allowed."""

    def __init__(self, handler):
        self.handler = handler

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return None
