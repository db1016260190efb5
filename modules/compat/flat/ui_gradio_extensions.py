"""Stands in for A1111's `modules.ui_gradio_extensions`: importable, and explains itself when used."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
