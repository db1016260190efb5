"""ScriptPostprocessing in the Extras job: asked in order, with their arguments, and left out if they fail."""

from functools import partial

from PIL import Image

from modules.generate.extras import Source
from modules.generate.operations import Extras
from modules.guests import finishing_of

INVERT = """
import gradio as gr
from PIL import ImageOps, Image
from modules import scripts_postprocessing
class Invert(scripts_postprocessing.ScriptPostprocessing):
    name = "Invert"
    order = 5000
    def ui(self):
        return {"enable": gr.Checkbox(False, label="Enable"), "kinds": gr.Dropdown(["a"], multiselect=True)}
    def process_firstpass(self, pp, enable, kinds):
        pp.info["Size before"] = f"{pp.image.width}x{pp.image.height}"
    def process(self, pp, enable, kinds):
        assert kinds == []
        if enable:
            pp.image = ImageOps.invert(pp.image)
            pp.info["Inverted"] = f"at {pp.image.width}"
            pp.nametags.append("inverted")
            pp.extra_images.append(Image.new("RGB", (3, 3)))
            pp.extra_images.append(pp.create_copy(Image.new("RGB", (4, 4)), nametags=["copy"]))
class Early(scripts_postprocessing.ScriptPostprocessing):
    name = "Early"
    order = 10
    def process(self, pp):
        pp.info["Early at"] = pp.image.width
"""
BROKEN = """
from modules import scripts_postprocessing
class Broken(scripts_postprocessing.ScriptPostprocessing):
    name = "Broken"
    order = 1
    def process(self, pp):
        pp.image = None
        raise OSError("no such thing")
"""


def made(app, guest, image, wishes=None, **words):
    job = app.extras(Extras(**words), [Source(partial(image.copy))], more=finishing_of([guest], wishes or {}))
    return job.wait(60)


def test_scripts_are_asked_as_they_begin_unless_the_page_says_otherwise(names, extension):
    guest = extension(invert=INVERT)
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    (plain,) = made(names, guest, red).shown
    assert plain.image.getpixel((0, 0)) == (255, 0, 0)
    assert plain.told == "Size before: 8x8, Early at: 8"
    wishes = {"postprocessing": {"Invert/enable": True}}
    turned, *extra = made(names, guest, red, wishes, upscaler_1="Lanczos", upscaling_resize=2).shown
    assert turned.image.size == (16, 16) and turned.image.getpixel((0, 0)) == (0, 255, 255)
    assert turned.told.startswith("Size before: 8x8, Early at: 8, Postprocess upscale by")
    assert "Inverted: at 16" in turned.told
    assert [one.image.size for one in extra] == [(3, 3), (4, 4)]


def test_opacity_comes_through_and_may_be_made(names, extension):
    guest = extension(
        cut="""
        from modules import scripts_postprocessing
        class Cut(scripts_postprocessing.ScriptPostprocessing):
            name = "Cut"
            def process(self, pp):
                pp.info["Mode"] = pp.image.mode
                pp.image.putalpha(7)
        """
    )
    (made_,) = made(names, guest, Image.new("RGB", (8, 8))).shown
    assert made_.image.mode == "RGBA" and made_.image.getpixel((0, 0))[3] == 7 and "Mode: RGB" in made_.told
    (again,) = made(names, guest, Image.new("RGBA", (8, 8))).shown
    assert "Mode: RGBA" in again.told


def test_one_that_fails_is_told_and_the_picture_goes_on(names, extension):
    guest = extension(broken=BROKEN, invert=INVERT)
    result = made(names, guest, Image.new("RGB", (8, 8), "red"), {"postprocessing": {"Invert/enable": True}})
    assert result.shown[0].image.getpixel((0, 0)) == (0, 255, 255)
    assert result.comments == ("Extension 'broken' failed in process: OSError: no such thing",)
    assert names.extensions.troubles.of("broken")
