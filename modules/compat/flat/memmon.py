"""A1111's `modules.memmon`."""

from modules.compat.models import MemoryMonitor as MemUsageMonitor  # noqa: F401
