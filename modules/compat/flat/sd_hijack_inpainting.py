"""Stands in for A1111's `modules.sd_hijack_inpainting`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
