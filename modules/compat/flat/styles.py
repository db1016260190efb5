"""A1111's `modules.styles`: the styles of prompts."""

from modules.compat.models import StyleDatabase  # noqa: F401
from modules.prompts.styles import Style as PromptStyle  # noqa: F401
