"""A1111's `modules.img2img`: its page's handlers are the program's own."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
