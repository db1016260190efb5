"""A1111's `modules.localization`."""

localizations = {}


def list_localizations(dirname=None):
    """The program finds them."""


def localization_js(current_localization_name):
    """The program sends them."""
    return ""
