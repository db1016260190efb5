"""Stands in for A1111's `modules.sd_hijack_open_clip`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
