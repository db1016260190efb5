"""Stands in for `k_diffusion.external`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
