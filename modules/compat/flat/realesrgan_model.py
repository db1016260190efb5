"""Stands in for A1111's `modules.realesrgan_model`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
