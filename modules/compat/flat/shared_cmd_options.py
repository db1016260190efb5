"""A1111's `modules.shared_cmd_options`."""

from modules.cmd_args import parser  # noqa: F401
from modules.shared import cmd_opts  # noqa: F401
