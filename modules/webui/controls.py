"""What all tabs share: the small square button, and the words of an event."""

from __future__ import annotations

from typing import Any

import gradio as gr

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
CALM: dict[str, Any] = QUIET | {
    "show_progress_on": []
}  # for many outputs: gradio keeps a state of loading for each otherwise
FREE: dict[str, Any] = QUIET | {"concurrency_limit": None}  # handlers that only wait, so any number may
AS_IS: dict[str, Any] = FREE | {"preprocess": False}  # values are judged by their Specs, once and in our words


def tool(text: str, elem_id: str, icon: str) -> Any:
    """A small square button; the style sheet draws the icon."""
    return gr.Button(text, elem_id=elem_id, elem_classes=["tool", f"icon-{icon}"], size="sm", min_width=0, scale=0)
