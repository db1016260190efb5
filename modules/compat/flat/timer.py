"""A1111's `modules.timer`: how long parts of the start took."""

import contextlib
import time


class TimerSubcategory(contextlib.nullcontext):
    """A part."""


class Timer:
    """Adds up."""

    def __init__(self, print_log=False):
        self.start, self.records, self.total = time.time(), {}, 0

    def elapsed(self):
        """Since the last."""
        now = time.time()
        made, self.start = now - self.start, now
        return made

    def record(self, category, extra_time=0, disable_log=False):
        """Under a name."""
        taken = self.elapsed()
        self.records[category] = self.records.get(category, 0) + taken + extra_time
        self.total += taken + extra_time

    def subcategory(self, name):
        """A part."""
        return TimerSubcategory()

    def summary(self):
        """In words."""
        return f"{self.total:.1f}s"

    def dump(self):
        """All."""
        return {"total": self.total, "records": self.records}

    def reset(self):
        """From now on."""
        self.__init__()


startup_timer = Timer()
startup_record = None
