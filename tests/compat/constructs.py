"""gradio 3's constructs on gradio 6, each as an extension writes it; run by test_gradio3 in a process of its own."""

import io
import sys
import tempfile
import textwrap
import traceback
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
from PIL import Image

from modules.compat import gradio3
from modules.compat.gradio3 import values
from modules.compat.guest import Extensions
from modules.host.events import Events
from modules.host.extensions import catalogue
from modules.settings.folders import Folders
from modules.settings.sections import Launch

CONSTRUCTS = {
    "gr.Box": "gr.Box()",
    "gr.Variable": "gr.Variable(0)",
    "gr.inputs": "gr.inputs.Slider(minimum=0, maximum=9, step=1, default=3, label='x')",
    "gr.outputs": "gr.outputs.HTML(label='x')",
    "IOComponent": "assert issubclass(gr.Textbox, gr.components.IOComponent)",
    "FormComponent": "gr.components.FormComponent",
    "Image(source, tool)": "gr.Image(source='upload', tool='select', type='pil', brush_radius=20, mirror_webcam=False)",
    "Image(shape)": "gr.Image(shape=(512, 512), invert_colors=True)",
    ".style on a gallery": "assert gr.Gallery().style(grid=4, height='auto').columns == 4",
    ".style on a button": "gr.Button('x').style(full_width=True)",
    "Class.update": "assert gr.Dropdown.update(choices=['a'])['choices'] == ['a']",
    "Row.update": "assert gr.Row.update(visible=False)['visible'] is False",
    "_js": "gr.Button('x').click(fn=None, _js='() => 1', inputs=[], outputs=[])",
    "_js of load": "block.load(fn=None, _js='() => 0', inputs=[], outputs=[])",
    "show_progress as bool": "gr.Button('x').click(fn=lambda: None, inputs=[], outputs=[], show_progress=False)",
    "api_name False": "gr.Button('x').click(fn=lambda: None, inputs=[], outputs=[], api_name=False)",
    "then with _js": "gr.Button('x').click(lambda: None, None, None).then(fn=None, _js='() => 1')",
    "tooltip": "gr.Button('x', tooltip='hello')",
    "unknown keywords": "gr.Checkbox(label='x', placeholder='?', nonsense=1)",
    "readonly": "assert gr.Textbox(readonly=True).interactive is False",
    "Dataframe": "gr.DataFrame(headers=['a'], max_rows=5, overflow_row_behaviour='paginate')",
    "File(type)": "gr.File(file_count='multiple', type='file')",
    "queue": "gr.Blocks().queue(concurrency_count=64, api_open=False)",
    "dependencies": "assert block.dependencies == []",
    "Image.edit": "gr.Image().edit(lambda: None, None, None)",
    "set_event_trigger": "gr.Button('x').set_event_trigger('click', lambda: None, None, None)",
    "version_check": "gradio.utils.version_check()",
    "gradio.deprecation": "import gradio.deprecation; gradio.deprecation.GradioDeprecationWarning",
    "type index": "assert gr.Dropdown(['a', 'b'], type='index', label='x').preprocess('b') == 1",
    "editable by default": "assert gr.Slider(0, 1, 0.5, label='x').interactive is True",
    "a subclass": (
        "type('Tool', (gr.components.FormComponent, gr.Button),"
        " {'__init__': lambda self, *a, **k: gr.Button.__init__(self, *a, **k)})('x')"
    ),
}


def test_a_construct_of_gradio_3(construct):
    with gr.Blocks() as block:
        exec(CONSTRUCTS[construct], {"gr": gr, "gradio": gr, "block": block})


def test_a_subclass_sends_what_its_own_constructor_does_not_name():
    class Tool(gr.Button):
        def __init__(self, **words):
            super().__init__(variant="tool", **words)

        def get_block_name(self):
            return "button"

    with gr.Blocks() as block:
        Tool(value="🎲", elem_id="dice")
    sent = next(one["props"] for one in block.get_config_file()["components"] if one["props"].get("elem_id") == "dice")
    assert (sent["value"], sent["variant"]) == ("🎲", "tool")


def test_uploads_have_a_name_and_gallery_items_keys():
    upload = values.Upload("/tmp/x/cat.png")
    assert (upload.name, upload.orig_name, upload) == ("/tmp/x/cat.png", "cat.png", "/tmp/x/cat.png")
    item = values.Item(("/tmp/cat.png", "a cat"))
    assert (item["name"], item["is_file"], item[1]) == ("/tmp/cat.png", True, "a cat")


def test_a_sketch_gives_image_and_mask():
    tmp_path = Path(tempfile.mkdtemp())
    with gr.Blocks():
        sketch = gr.Image(source="upload", tool="sketch", type="pil", brush_color="#fff")
    background, layer = Image.new("RGB", (8, 8), "red"), Image.new("RGBA", (8, 8))
    layer.putpixel((2, 3), (255, 255, 255, 255))

    def stored(image, name):
        path = tmp_path / name
        image.save(path)
        return {"path": str(path)}

    payload = sketch.data_model(
        background=stored(background, "b.png"),
        layers=[stored(layer, "l.png")],
        composite=stored(background, "c.png"),
    )
    found = sketch.preprocess(payload)
    assert found["image"].getpixel((0, 0)) == (255, 0, 0)
    assert [found["mask"].getpixel(at) for at in ((2, 3), (0, 0))] == [(255,) * 3, (0,) * 3]


def test_base64_both_ways():
    image = Image.new("RGB", (4, 4), "blue")
    text = gr.processing_utils.encode_pil_to_base64(image)
    assert text.startswith("data:image/png;base64,")
    assert gr.processing_utils.decode_base64_to_image(text).getpixel((0, 0)) == (0, 0, 255)
    assert io.BytesIO(text.encode()).read(5) == b"data:"


def extension(source):
    data = Path(tempfile.mkdtemp())
    folder = data / "extensions" / "told" / "scripts"
    folder.mkdir(parents=True)
    (folder / "told.py").write_text(textwrap.dedent(source))
    launch = Launch(data_dir=str(data))
    found = catalogue.Extensions(Folders.of(launch), launch)
    scripts = SimpleNamespace(offer=lambda axes: None)
    parts = {"scripts": scripts, "sources": SimpleNamespace(writers=[]), "folders": found.folders}
    guest = Extensions(SimpleNamespace(extensions=found, events=Events(found.troubles), **parts))
    guest.load(found.taken)
    return guest


def test_components_are_told_of_before_and_after():
    guest = extension(
        """
        from modules import script_callbacks, scripts
        seen = []
        script_callbacks.on_before_component(lambda component, **words: seen.append(("before", words.get("elem_id"))))
        script_callbacks.on_after_component(lambda component, **words: seen.append(("after", component.elem_id)))

        class Told(scripts.Script):
            def __init__(self):
                self.on_after_component(lambda on: seen.append(("mine", on.component.elem_id)), elem_id="mine")

            def title(self):
                return "told"

            def show(self, is_img2img):
                return scripts.AlwaysVisible

            def after_component(self, component, **words):
                if words.get("elem_id") == "mine":
                    seen.append(("script", self.is_img2img))
        """
    )
    from modules import scripts

    seen = next(data for data in scripts.scripts_data if data.script_class.__name__ == "Told").module.seen
    with gr.Blocks():
        late = gr.Textbox(elem_id="late", render=False)
        gr.Textbox(elem_id="mine")
        assert ("after", "late") not in seen
        late.render()
    assert seen.count(("before", "mine")) == seen.count(("after", "mine")) == 1
    assert [one for one in seen if one[0] == "script"] == [("script", False), ("script", True)]
    assert ("mine", "mine") in seen and ("after", "late") in seen
    assert guest.scripts()[0]["name"] == "told"


def main() -> int:
    """Run all; how many failed."""
    gradio3.put_on()
    wanted = [(test_a_construct_of_gradio_3, [name]) for name in CONSTRUCTS]
    wanted += [
        (one, []) for name, one in list(globals().items()) if name.startswith("test_") and "construct" not in name
    ]
    failed = 0
    for test, arguments in wanted:
        try:
            test(*arguments)
        except Exception:  # noqa: BLE001 - whatever a construct raises
            failed += 1
            sys.stdout.write(f"{test.__name__} {arguments}\n{traceback.format_exc()}\n")
    sys.stdout.write(f"{len(wanted)} tried, {failed} failed\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
