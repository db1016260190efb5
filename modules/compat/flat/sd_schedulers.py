"""A1111's `modules.sd_schedulers`: the schedules by name."""

from modules.compat.samplers import Scheduler  # noqa: F401
from modules.compat.samplers import schedulers as _all

schedulers = _all()
schedulers_map = {**{one.name: one for one in schedulers}, **{one.label: one for one in schedulers}}
