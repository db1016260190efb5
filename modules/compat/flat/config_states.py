"""Stands in for A1111's `modules.config_states`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
