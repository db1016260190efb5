"""A1111's `modules.generation_parameters_copypaste`: the older name of `infotext_utils`."""

from modules.infotext_utils import *  # noqa: F403
from modules.infotext_utils import paste_fields, re_param, registered_param_bindings  # noqa: F401
