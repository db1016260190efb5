"""A1111's `modules.postprocessing`: the program has its own Extras."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
