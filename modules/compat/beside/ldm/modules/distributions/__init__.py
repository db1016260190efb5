"""Stands in for `ldm.modules.distributions`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
