"""A1111's `modules.ui_settings`: the program has its own page of settings."""

from modules.compat.stubs import stub


def get_value_for_setting(key):
    """An update of its widget."""
    import gradio as gr

    from modules import shared

    return gr.update(value=getattr(shared.opts, key))


__getattr__ = stub(__name__)
