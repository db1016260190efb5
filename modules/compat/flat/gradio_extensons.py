"""Stands in for A1111's `modules.gradio_extensons`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
