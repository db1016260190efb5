"""Stands in for `sgm.modules.diffusionmodules`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
