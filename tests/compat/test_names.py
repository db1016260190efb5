"""Every name that extensions take from A1111 is there: imports that a file cannot do without, and what they use."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import modules
from modules.declare import specs
from modules.exceptions import ExtensionError

FLAT = Path(modules.__file__).parent / "compat/flat"
NAMES = [line for line in (Path(__file__).parent / "names.txt").read_text().splitlines() if not line.startswith("#")]


def found(name: str) -> object:
    """The module or the attribute of a module that a dotted name means."""
    name = name.removesuffix(".*")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(module), attribute)


def test_the_names_that_extensions_use_are_there(names):
    missing = []
    for name in NAMES:
        try:
            found(name)
        except (ImportError, AttributeError):
            missing.append(name)
    assert missing == []
    assert len(NAMES) > 200


def test_every_facade_imports_and_none_brings_torch_in():
    code = f"""
import importlib, pathlib, sys
from modules.compat.binding import bind
bind(None)
root = pathlib.Path({str(FLAT)!r})
for path in sorted(root.rglob("*.py")):
    parts = path.relative_to(root).with_suffix("").parts
    importlib.import_module(".".join(["modules", *parts]).removesuffix(".__init__"))
import launch, ldm.modules.attention, k_diffusion.sampling
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120, cwd=FLAT.parents[2])


def test_old_model_code_explains_itself_when_used(names):
    from ldm.modules.attention import CrossAttention

    from modules import sd_hijack_unet

    class Mine(CrossAttention):
        pass

    assert not isinstance(object(), CrossAttention)
    with pytest.raises(
        ExtensionError, match="ldm.modules.attention.CrossAttention is a part of A1111's old model code"
    ):
        Mine()
    with pytest.raises(ExtensionError, match="sd_hijack_unet"):
        sd_hijack_unet.TorchHijackForUnet()


def test_an_unknown_name_says_where_to_look(names):
    from modules import shared

    with pytest.raises(AttributeError, match="has no 'nonsense' here"):
        shared.nonsense  # noqa: B018


def test_a_bare_import_of_modules_reaches_every_name(names, monkeypatch):
    monkeypatch.delitem(sys.modules, "modules.shared_items", raising=False)
    monkeypatch.delattr(modules, "shared_items", raising=False)
    assert modules.shared_items.sd_vae_items() == names.catalogs["vaes"]()
    assert not hasattr(modules, "nonsense")


def test_hidden_samplers_are_not_visible_and_can_be_used(names):
    from modules import sd_samplers

    assert sd_samplers.samplers_hidden == set()
    names.options.change({"hide_samplers": ["Euler"]})
    try:
        seen = sd_samplers.visible_sampler_names()
        assert "Euler" not in seen and "Euler a" in seen and sd_samplers.samplers_hidden == {"Euler"}
        assert [one.name for one in sd_samplers.visible_samplers()] == seen
        assert sd_samplers.find_sampler_config("Euler").name == "Euler"
    finally:
        names.options.change({"hide_samplers": []})


def test_options_without_effect_are_none_of_the_programs(names):
    from modules.compat.opts import DEFAULTS
    from modules.settings.sections import SECTIONS

    assert not {name for section in SECTIONS.values() for name in specs(section)} & set(DEFAULTS)


def test_unknown_flags_are_none_and_folders_are_texts(names):
    from modules.shared import cmd_opts

    assert cmd_opts.wildcards_dir is None
    assert Path(cmd_opts.embeddings_dir) == names.folders.embeddings


def test_an_input_accordion_is_made_anew_outside_of_the_page(names):
    import gradio as gr
    from modules.ui_components import InputAccordion

    with gr.Blocks() as page, InputAccordion(False, label="Mine", elem_id="mine") as made:
        gr.Textbox("inside")
    anew = InputAccordion(**{**made.constructor_args, "value": True})
    assert anew.value is True and anew.elem_id == made.elem_id == "mine-checkbox"
    assert any(one.elem_id == "mine" for one in page.blocks.values())
