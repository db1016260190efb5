"""A1111's `modules.fifo_lock`."""

from modules.compat.calls import QueueLock as FIFOLock  # noqa: F401
