"""The tabs of network files inside a generation tab; the scripts draw their cards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

PAGES = {  # name in element ids → title
    "textual_inversion": "Textual Inversion",
    "hypernetworks": "Hypernetworks",
    "checkpoints": "Checkpoints",
    "lora": "Lora",
}


@contextmanager
def beside_networks(tab: str) -> Iterator[None]:
    """Place what stands inside on the sub-tab Generation, with one more sub-tab for each kind of file."""
    with gr.Tabs(elem_id=f"{tab}_extra_tabs", elem_classes=["extra-networks"]):
        with gr.Tab("Generation", elem_id=f"{tab}_generation"):
            yield
        for name, title in PAGES.items():
            with gr.Tab(title, elem_id=f"{tab}_{name}"):
                gr.HTML(f'<div class="network-browser" data-tab="{tab}" data-page="{name}"></div>', padding=False)
