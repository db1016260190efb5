"""Stands in for A1111's `modules.sd_samplers_kdiffusion`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
