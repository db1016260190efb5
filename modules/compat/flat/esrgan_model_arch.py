"""Stands in for A1111's `modules.esrgan_model_arch`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
