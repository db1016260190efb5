"""An extension as written for A1111: a script to choose, that inverts what was drawn."""

import gradio as gr
from modules.processing import process_images
from PIL import ImageOps

from modules import scripts


class Script(scripts.Script):
    def title(self):
        return "Invert colours"

    def ui(self, is_img2img):
        times = gr.Slider(0, 10, 3, step=1, label="How often", elem_id=self.elem_id("times"))
        self.infotext_fields = [(times, "Inverted")]
        return [times]

    def run(self, p, times):
        p.extra_generation_params["Inverted"] = times
        processed = process_images(p)
        processed.images = [ImageOps.invert(one) if times % 2 else one for one in processed.images]
        return processed
