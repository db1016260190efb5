"""Stands in for A1111's `modules.textual_inversion.image_embedding`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
