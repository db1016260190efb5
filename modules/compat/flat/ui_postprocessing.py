"""A1111's `modules.ui_postprocessing`: the program has its own Extras tab."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
