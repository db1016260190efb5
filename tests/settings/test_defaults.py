"""ui-config.json in A1111's format; settings put back, and taken over from another program's file."""

import json

import pytest

from modules.exceptions import WebuiError
from modules.generate.request import Txt2Img
from modules.settings.defaults import Defaults
from modules.settings.options import Options
from modules.settings.sections import Launch
from modules.settings.store import Store
from modules.webui.widgets import form, specs

KNOWN = specs(Txt2Img)
A1111 = {
    "txt2img/Sampling steps/visible": True, "txt2img/Sampling steps/value": 28, "txt2img/Sampling steps/minimum": 1,
    "txt2img/Sampling steps/maximum": 200, "txt2img/Sampling steps/step": 2, "txt2img/Prompt/value": "a cat",
    "txt2img/Batch count/value": "many", "txt2img/Width/visible": False, "customscript/x.py/txt2img/y/value": 1,
}  # fmt: skip


@pytest.fixture
def defaults(tmp_path):
    (tmp_path / "ui-config.json").write_text(json.dumps(A1111), encoding="utf-8-sig")
    return Defaults(tmp_path / "ui-config.json")


def test_fields_begin_as_the_file_says(defaults):
    made = form(Txt2Img, "txt2img", {}, {"steps": {}, "n_iter": {}, "width": {}, "prompt": {}}, defaults)
    steps = made["steps"]
    assert (steps.value, steps.minimum, steps.maximum, steps.step) == (28, 1, 200, 2)
    assert made["prompt"].value == "a cat" and made["n_iter"].value == KNOWN["n_iter"].default
    assert made["width"].visible is False
    other = form(Txt2Img, "img2img", {}, {"steps": {}}, defaults)["steps"]
    assert other.value == KNOWN["steps"].default


def test_entries_are_written_beside_those_that_are_there(defaults):
    defaults.put({"txt2img/CFG Scale/value": 5})
    assert json.loads(defaults.path.read_text(encoding="utf-8")) == A1111 | {"txt2img/CFG Scale/value": 5}
    assert defaults.of("txt2img", "CFG Scale") == {"value": 5}
    defaults.clear()
    assert defaults.entries() == {} and defaults.path.with_name("ui-config.json.bak").is_file()


@pytest.mark.parametrize("text", ["[1]", "{", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")])
def test_a_broken_file_changes_nothing(tmp_path, text, caplog):
    (tmp_path / "u.json").write_text(text, encoding="latin-1")
    assert Defaults(tmp_path / "u.json").of("txt2img", "Width") == {} and "cannot be read" in caplog.text


def test_settings_go_back_and_the_file_stays_beside(tmp_path):
    options = Options(Store(tmp_path / "config.json"))
    options.change({"jpeg_quality": 90, "samples_format": "webp"})
    before = (tmp_path / "config.json").read_bytes()
    assert options.changed() == {"samples_format": ("webp", "png"), "jpeg_quality": (90, 80)}
    options.reset(["jpeg_quality"])
    assert list(options.changed()) == ["samples_format"]
    options.reset(list(options.changed()))
    assert options.changed() == {} and (tmp_path / "config.json.before-1").read_bytes() == before
    assert (tmp_path / "config.json.before-2").is_file()


def test_another_programs_file_is_taken_over(tmp_path):
    options = Options(Store(tmp_path / "config.json"))
    options.change({"eta_ddim": 0.5})
    taken = options.take({"jpeg_quality": 90, "eta_ddim": "x", "forge_preset": "sd", "samples_save": True})
    assert taken.changed == ["jpeg_quality"] and taken.unknown == 1 and "eta_ddim" in taken.refused[0]
    kept = json.loads((tmp_path / "config.json").read_text())
    assert kept["forge_preset"] == "sd" and kept["eta_ddim"] == 0.5


def test_a_frozen_setting_stays(tmp_path):
    options = Options(Store(tmp_path / "config.json"), frozen=lambda spec: spec.name == "jpeg_quality")
    with pytest.raises(WebuiError):
        options.take({"jpeg_quality": 90})
    assert options.changed() == {}


def test_the_flag_names_the_file(tmp_path):
    from modules.settings.folders import Folders

    assert Folders.of(Launch(ui_config_file=str(tmp_path / "u.json"))).defaults == tmp_path / "u.json"
