"""Stands in for A1111's `modules.shared_init`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
