"""A1111's `modules.ui_prompt_styles`: the program's tabs have their own menu."""

from modules.compat.stubs import stub

styles_edit_symbol = "\U0001f58c\ufe0f"
styles_materialize_symbol = "\U0001f4cb"
styles_copy_symbol = "\U0001f4dd"
__getattr__ = stub(__name__)
