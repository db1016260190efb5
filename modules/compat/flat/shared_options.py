"""A1111's `modules.shared_options`."""

from modules.shared import options_templates, restricted_opts  # noqa: F401
