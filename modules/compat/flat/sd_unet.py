"""A1111's `modules.sd_unet`: other UNets that extensions offer; the engine has its own."""

unet_options = []
current_unet = None
current_unet_option = None


class SdUnetOption:
    """One to choose."""

    model_name = label = None

    def create_unet(self):
        """Make it."""
        raise NotImplementedError


class SdUnet:
    """A UNet."""

    def activate(self):
        """It is chosen."""

    def deactivate(self):
        """It is not."""


def list_unets():
    """Ask those who listen."""
    from modules.compat.callbacks import CALLBACKS

    found = []
    CALLBACKS.run("list_unets", found)
    unet_options[:] = found


def apply_unet(option=None):
    """The engine has its own."""
