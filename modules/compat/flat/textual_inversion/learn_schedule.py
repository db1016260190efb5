"""Stands in for A1111's `modules.textual_inversion.learn_schedule`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
