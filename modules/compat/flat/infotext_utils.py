"""A1111's `modules.infotext_utils`: infotexts read, and sent to the tabs."""

import re

from modules.compat.binding import facade as _facade
from modules.compat.infotexts import (  # noqa: F401
    ParamBinding,
    PasteField,
    add_paste_fields,
    bind_buttons,
    connect_paste_params_buttons,
    create_buttons,
    create_override_settings_dict,
    get_override_settings,
    image_from_url_text,
    infotext_to_setting_name_mapping,
    parse_generation_parameters,
    register_paste_params_button,
    send_image_and_dimensions,
)
from modules.compat.page import PAGE as _PAGE
from modules.prompts.infotext import quote, unquote  # noqa: F401

re_param = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
re_imagesize = re.compile(r"^(\d+)x(\d+)$")
re_hypernet_hash = re.compile(r"\(([0-9a-f]+)\)$")
registered_param_bindings = _PAGE.bindings
paste_fields = _PAGE.paste
type_of_gr_update = dict


def reset():
    """Forget the fields."""
    paste_fields.clear()


def restore_old_hires_fix_params(res):
    """Read as they are."""


def build_infotext_map():
    """Nothing to build."""


_facade(__name__, {"opts": lambda app: __import__("modules.shared").shared.opts})
