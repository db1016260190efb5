"""A1111's `modules.shared_gradio_themes`: the program has its own look."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
