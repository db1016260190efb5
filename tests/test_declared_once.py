"""Every Spec goes through every surface, and no parameter is spelt out where a walk over the Specs would do."""

import ast
from pathlib import Path

import pytest

import modules
from modules.cli import parse
from modules.declare import specs
from modules.generate import infotext
from modules.generate.plan import request_from
from modules.generate.request import Txt2Img
from modules.settings.sections import SECTIONS, Launch
from modules.webapi.schemas import API_DEFAULTS, FIRST_DEFAULTS, TXT2IMG
from modules.webui.widgets import elem_id, widget

ROOT = Path(modules.__file__).parent
FIELDS = {
    name: spec for name, spec in specs(Txt2Img).items() if spec.type is not object
}  # pictures have their own ways
OPTIONS = {name: spec for section in SECTIONS.values() for name, spec in specs(section).items()}
FLAGS = specs(Launch)
TOLD_OF_ANOTHER = "hr_checkpoint_name"  # told only if it is another one than the first pass's; see test_hires
CATALOGS = {
    "samplers": lambda: ["Euler"],
    "all samplers": lambda: ["Euler", "x"],
    "options": lambda: ["x"],
    "schedulers": lambda: ["Karras"],
    "checkpoints": lambda: ["tiny-sd1"],
    "styles": lambda: ["x"],
    "vaes": lambda: ["Automatic", "x"],
    "hires upscalers": lambda: ["Latent", "x"],
    "upscalers": lambda: ["None", "Lanczos", "x"],
    "localizations": lambda: ["None", "x"],
}

# Where a parameter may be named beside its declaration: joint keys, layout, and where A1111 itself differs.
SPELT = {
    "generate/request.py", "generate/plan.py", "generate/infotext.py",
    "webapi/schemas.py", "webapi/info.py", "webui/widgets.py",
    "webui/generation.py", "webui/txt2img.py", "webui/img2img.py", "webui/send.py", "prompts/stylefiles.py",
    "webui/keeping.py", "webui/styles_dialog.py",
    "host/gathering.py", "host/catalogue.py", "host/builtin/alternative.py", "host/builtin/xyz_axes.py",
    "host/builtin/prompts_from_file.py", "webui/script_form.py",
}  # fmt: skip


def other_value(spec):
    """A valid value that is not the default."""
    if isinstance(spec.choices, tuple) and spec.choices:
        return next(choice for choice in spec.choices if choice != spec.default)
    if spec.choices == "samplers":
        return "Euler"
    if spec.choices == "schedulers":
        return "Karras"
    if spec.choices == "checkpoints":
        return "tiny-sd1"
    low = int(spec.valid.low) if spec.valid else 0
    return {
        bool: not spec.default, int: max(low, 1) + 2, float: max(low, 0) + 0.5,
        str: "x", list: ["x"], dict: {"jpeg_quality": 3},
    }[spec.type]  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_a_parameter_reaches_request_api_and_page(name):
    spec = FIELDS[name]
    value = other_value(spec)
    assert getattr(request_from({name: value}), name) == value
    assert getattr(TXT2IMG(**{name: value}), name) == value
    assert TXT2IMG.model_fields[name].title == spec.label
    default = TXT2IMG().model_dump()[name]
    assert default == (API_DEFAULTS | FIRST_DEFAULTS).get(name, spec.default)
    if spec.type is dict:
        return
    made = widget(spec, "txt2img", CATALOGS, render=False)
    assert made.elem_id == elem_id("txt2img", name) and made.label == spec.label and made.interactive
    if spec.slider:
        assert (made.minimum, made.step) == (spec.slider.low, spec.slider.step)


@pytest.mark.parametrize("name", [name for name, spec in FIELDS.items() if spec.infotext and name != TOLD_OF_ANOTHER])
def test_a_parameter_in_the_infotext_reads_back(name, app):
    from modules.generate.plan import plan

    hires = {"enable_hr": True}
    beside = {"subseed": {"subseed_strength": 0.5}, "refiner": {"refiner_checkpoint": "tiny-sd1"}}
    beside |= {"hr": hires, "denoising": hires}
    values = beside.get(name.split("_")[0], {}) | {name: other_value(FIELDS[name])}
    planned = plan(request_from(values), app.options, app.library)
    text = infotext.write(planned, 0, planned.checkpoint)
    assert f"{FIELDS[name].infotext}: " in text
    assert infotext.read(text, OPTIONS).values[name] == getattr(planned.request_for(0), name)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_reaches_the_view_and_the_page(name, fresh_app):
    spec = OPTIONS[name]
    if spec.choices == "checkpoints" or (isinstance(spec.choices, tuple) and len(spec.choices) == 1):
        return
    value = other_value(spec)
    fresh_app.options.change({name: value})
    assert getattr(fresh_app.options.view(), name) == value
    assert widget(spec, "setting", CATALOGS, render=False).elem_id == f"setting_{name}"


@pytest.mark.parametrize("name", [name for name, spec in OPTIONS.items() if spec.infotext])
def test_an_option_in_the_infotext_reads_back(name):
    spec = OPTIONS[name]
    value = next(choice for choice in spec.choices if choice != spec.absent) if spec.choices else other_value(spec)
    text = f"a\nSteps: 1, Seed: 1, Sampler: Euler, {spec.infotext}: {value}"
    assert infotext.read(text, OPTIONS).overrides[name] == value
    assert infotext.read("a\nSteps: 1, Seed: 1, Sampler: Euler", OPTIONS).overrides[name] == spec.absent


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_read_from_the_command_line(name):
    spec = FLAGS[name]
    assert spec.flag and getattr(parse([]), name) == spec.default
    value = other_value(spec)
    words = [spec.flag] if spec.type is bool else [spec.flag, *([str(value)] if spec.type is not list else value)]
    assert getattr(parse(words), name) == value


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in ROOT.rglob("*.py")
        if (name := path.relative_to(ROOT).as_posix()) not in SPELT and not name.startswith("compat/")
    ],
    ids=str,
)
def test_no_parameter_is_spelt_out_elsewhere(path):
    """Only names with an underscore are looked for: `seed` and `steps` are words as well. compat/ is made of names."""
    names = {name for name in FIELDS if "_" in name} - OPTIONS.keys()
    spelt = {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not names & spelt
