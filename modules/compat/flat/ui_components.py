"""A1111's `modules.ui_components`: small gradio components."""

import gradio as gr
from gradio.context import Context

from modules.compat.gradio3 import put_on

put_on()  # its classes are made for it


class FormComponent:
    """The base that marks what may stand in a form."""

    webui_do_not_create_gradio_pyi_thank_you = True

    def get_expected_parent(self):
        """A form."""
        from gradio.layouts import Form

        return Form


class ToolButton(gr.Button, FormComponent):
    """A small button with an emoji."""

    def __init__(self, value="", *args, elem_classes=None, tooltip=None, **kwargs):
        classes = elem_classes if isinstance(elem_classes, list) else [elem_classes] if elem_classes else []
        kwargs.setdefault("min_width", 0)
        kwargs.setdefault("scale", 0)
        super().__init__(value, *args, elem_classes=["tool", *classes], **kwargs)
        self.webui_tooltip = tooltip

    def get_block_name(self):
        """What the page draws it as."""
        return "button"


class ResizeHandleRow(gr.Row):
    """A row of two columns."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.elem_classes = [*(self.elem_classes or []), "resize-handle-row"]

    def get_block_name(self):
        """What the page draws it as."""
        return "row"


class FormRow(gr.Row, FormComponent):
    """A row in a form."""

    def get_block_name(self):
        """What the page draws it as."""
        return "row"


class FormColumn(gr.Column, FormComponent):
    """A column in a form."""

    def get_block_name(self):
        """What the page draws it as."""
        return "column"


class FormGroup(gr.Group, FormComponent):
    """A group in a form."""

    def get_block_name(self):
        """What the page draws it as."""
        return "group"


class FormHTML(gr.HTML, FormComponent):
    """A html in a form."""

    def get_block_name(self):
        """What the page draws it as."""
        return "html"


class FormColorPicker(gr.ColorPicker, FormComponent):
    """A colorpicker in a form."""

    def get_block_name(self):
        """What the page draws it as."""
        return "colorpicker"


class DropdownEditable(gr.Dropdown, FormComponent):
    """A dropdown in a form."""

    def get_block_name(self):
        """What the page draws it as."""
        return "dropdown"


class DropdownMulti(gr.Dropdown, FormComponent):
    """A menu of which several entries may be chosen."""

    def __init__(self, **kwargs):
        super().__init__(**{"multiselect": True, **kwargs})

    def get_block_name(self):
        """What the page draws it as."""
        return "dropdown"


class InputAccordion(gr.Checkbox):
    """A checkbox and an accordion that is open while it is ticked; used as a context, its value is the checkbox's."""

    def __init__(self, value=False, setup=False, **kwargs):
        self.accordion_id = kwargs.get("elem_id") or f"input-accordion-{id(self)}"
        label = kwargs.pop("label", "Accordion")
        box = {"elem_id": f"{self.accordion_id}-checkbox", "label": label, "interactive": True, "container": False}
        super().__init__(bool(value), **{**box, "elem_classes": ["input-accordion-checkbox"]})
        if Context.root_block is None:  # gradio makes a component anew, alone, when an event has changed its settings
            return
        self.accordion = gr.Accordion(
            label, open=bool(value), elem_id=self.accordion_id, elem_classes=["input-accordion"]
        )
        js = f"(on) => {{ inputAccordionChecked('{self.accordion_id}', on); }}"
        self.change(None, inputs=[self], js=js, show_progress="hidden")

    def extra(self):
        """A place beside the head."""
        return gr.Column(elem_id=f"{self.accordion_id}-extra", elem_classes=["input-accordion-extra"], min_width=0)

    def __enter__(self):
        self.accordion.__enter__()
        return self

    def __exit__(self, *args):
        self.accordion.__exit__(*args)

    def get_block_name(self):
        """What the page draws it as."""
        return "checkbox"
