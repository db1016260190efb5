"""What extensions put on the page, and what of the page they ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr


@dataclass(slots=True)
class Page:
    """The forms of the page as it was built last, and the buttons that extensions registered."""

    forms: dict[str, Any] = field(default_factory=dict)  # by tab
    bindings: list[Any] = field(default_factory=list)
    paste: dict[str, dict[str, Any]] = field(default_factory=dict)

    def paste_fields(self, tab: str) -> list[tuple[Any, str]]:
        """(component, infotext key) of a tab."""
        from modules.declare import specs

        form = self.forms.get(tab)
        if form is None:
            return []
        known = specs(form.kind)
        keys = {"prompt": "Prompt", "negative_prompt": "Negative prompt", "width": "Size-1", "height": "Size-2"}
        return [(one, keys.get(name) or known[name].infotext or name) for name, one in form.fields.items()]


PAGE = Page()


def create_refresh_button(
    refresh_component: Any, refresh_method: Callable[[], None], refreshed_args: Any, elem_id: str
) -> Any:
    """A button that looks for new entries of one or more components."""
    components = refresh_component if isinstance(refresh_component, list) else [refresh_component]
    from modules.ui_components import ToolButton  # type: ignore[import-not-found]

    def refresh() -> Any:
        refresh_method()
        words = refreshed_args() if callable(refreshed_args) else refreshed_args
        updates = [gr.update(**(words or {})) for _ in components]
        return updates if len(updates) > 1 else updates[0]

    button = ToolButton(value="\U0001f504", elem_id=elem_id)
    button.click(fn=refresh, inputs=[], outputs=components)
    return button


@dataclass(slots=True)
class OutputPanel:
    """Where an extension's own tab shows pictures; also read as a tuple of four."""

    gallery: Any
    generation_info: Any
    infotext: Any
    html_log: Any
    button_upscale: Any = None

    def __iter__(self) -> Any:
        return iter((self.gallery, self.generation_info, self.infotext, self.html_log))


def create_output_panel(tabname: str, outdir: str, toprow: Any = None) -> OutputPanel:
    """A gallery with what belongs below it."""
    with gr.Column(elem_id=f"{tabname}_results"):
        gallery = gr.Gallery(
            label="Output",
            show_label=False,
            elem_id=f"{tabname}_gallery",
            columns=4,
            preview=True,
            object_fit="contain",
        )
        info = gr.Textbox(visible=False, elem_id=f"generation_info_{tabname}")
        infotext = gr.HTML(elem_id=f"html_info_{tabname}")
        log = gr.HTML(elem_id=f"html_log_{tabname}")
    return OutputPanel(gallery, info, infotext, log)
