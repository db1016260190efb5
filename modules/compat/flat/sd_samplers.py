"""A1111's `modules.sd_samplers`: the samplers by name."""

from modules.compat.binding import app, bound
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


def __getattr__(name):
    if name == "samplers_hidden" and bound():
        return set(app().options.view().hide_samplers)
    raise AttributeError(name)


def set_samplers():
    """The options are asked whenever somebody looks."""


def add_sampler(sampler):
    """Refused: a sampler is a row of the program's own table."""


def visible_sampler_names():
    """For menus."""
    return app().catalogs["samplers"]()


def visible_samplers():
    """The same as objects."""
    return [all_samplers_map[name] for name in visible_sampler_names()]


def fix_p_invalid_sampler_and_scheduler(p):
    """Names as they are."""
