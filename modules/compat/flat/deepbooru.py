"""A1111's `modules.deepbooru`: its tagger does not come with the program."""

import re

from modules.exceptions import ExtensionError

re_special = re.compile(r"([\\()])")


class DeepDanbooru:
    """The tagger."""

    model = None

    def _refuse(self, *args, **kwargs):
        raise ExtensionError("DeepDanbooru is not built in; use an extension that brings its own tagger.")

    load = start = tag = tag_multi = _refuse

    def stop(self):
        """Nothing to stop."""


model = DeepDanbooru()
