"""Stands in for `ldm.modules.diffusionmodules`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
