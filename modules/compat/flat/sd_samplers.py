"""A1111's `modules.sd_samplers`: the samplers by name."""

from modules.compat.samplers import (  # noqa: F401
    SamplerData,
    all_samplers,
    all_samplers_map,
    create_sampler,
    find_sampler_config,
    get_hr_sampler_and_scheduler,
    get_sampler_and_scheduler,
    get_sampler_from_infotext,
    get_scheduler_from_infotext,
    samplers_map,
)

samplers = list(all_samplers)
samplers_for_img2img = list(all_samplers)
samplers_hidden = set()


def set_samplers():
    """All may be chosen."""


def add_sampler(sampler):
    """Refused: a sampler is a row of the program's own table."""


def visible_sampler_names():
    """For menus."""
    return [one.name for one in samplers]


def visible_samplers():
    """The same as objects."""
    return list(samplers)


def fix_p_invalid_sampler_and_scheduler(p):
    """Names as they are."""
