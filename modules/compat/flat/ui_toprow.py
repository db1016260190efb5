"""A1111's `modules.ui_toprow`: the program's tabs have their own."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
