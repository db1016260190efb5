"""A1111's `modules.options`: declarations of options."""

from modules.compat.opts import OptionDiv, OptionHTML, OptionInfo, options_section  # noqa: F401
from modules.compat.opts import Opts as Options  # noqa: F401


class OptionsCategories:
    """Groups of sections."""

    def __init__(self):
        self.mapping = {}

    def register_category(self, category_id, label):
        """One more."""
        self.mapping[category_id] = label
        return category_id


categories = OptionsCategories()
