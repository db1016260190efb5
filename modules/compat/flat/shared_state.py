"""A1111's `modules.shared_state`."""

from modules.compat.state import State  # noqa: F401
