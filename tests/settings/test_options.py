"""Layers, config.json, folders."""

import json

import pytest

from modules.declare import Spec
from modules.exceptions import Forbidden, NotFound, ParameterError, WebuiError
from modules.settings.folders import PROGRAM, Folders
from modules.settings.options import Options, frozen
from modules.settings.sections import Launch
from modules.settings.store import Store


@pytest.fixture
def config(tmp_path):
    return tmp_path / "config.json"


def test_layers_override_each_other(config):
    config.write_text(json.dumps({"jpeg_quality": 70, "n_rows": 3}))
    options = Options(Store(config), {"n_rows": 4})
    view = options.view()
    assert (view.samples_format, view.jpeg_quality, view.n_rows) == ("png", 70, 4)
    over = view.over(n_rows="5")
    assert over.n_rows == 5 and view.n_rows == 4
    with pytest.raises(AttributeError):
        view.n_rows = 1
    with pytest.raises(AttributeError):
        view.nothing  # noqa: B018


def test_a_change_is_written_and_told_and_views_are_snapshots(config):
    options = Options(Store(config))
    before, told = options.view(), []
    options.on_change("jpeg_quality", told.append)
    options.change({"jpeg_quality": "55", "n_rows": -1})
    assert told == [55] and before.jpeg_quality == 80 and options.view().jpeg_quality == 55
    options.change({"jpeg_quality": 55})
    assert told == [55]
    assert Options(Store(config)).view().jpeg_quality == 55


@pytest.mark.parametrize(
    ("change", "error"),
    [({"jpeg_quality": 0}, ParameterError), ({"jpeg_qualty": 3}, NotFound), ({"n_rows": "x"}, ParameterError)],
)
def test_a_bad_change_changes_nothing(config, change, error):
    options = Options(Store(config))
    with pytest.raises(error):
        options.change({"samples_format": "webp", **change})
    assert options.view().samples_format == "png" and not config.exists()


def test_keys_that_nobody_knows_stay_in_the_file(config):
    config.write_text('{"some_extension_key": [1], "jpeg_quality": 70}')
    options = Options(Store(config))
    options.change({"n_rows": 2})
    assert json.loads(config.read_text()) == {"some_extension_key": [1], "jpeg_quality": 70, "n_rows": 2}
    options.register(Spec(name="some_extension_key", label="Theirs", type=list, default=[]))
    assert options.view().some_extension_key == []  # [1] is no list of texts: the default serves, the file keeps it


def test_an_unreadable_file_is_kept_aside(config, caplog):
    config.write_text("{broken")
    assert Options(Store(config)).view().jpeg_quality == 80
    assert config.with_name("config.json.unreadable").read_text() == "{broken" and "kept as" in caplog.text


def test_a_failed_write_says_so_and_changes_nothing(tmp_path):
    store = Store(tmp_path / "config.json")
    (tmp_path / "config.json.tmp").mkdir()
    with pytest.raises(WebuiError, match="could not be written"):
        store.update({"a": 1})
    assert store.values == {}


def test_a_value_out_of_range_in_an_old_file_falls_back(config):
    config.write_text('{"jpeg_quality": 900, "CLIP_stop_at_last_layers": 2.0}')
    view = Options(Store(config)).view()
    assert view.jpeg_quality == 80 and view.CLIP_stop_at_last_layers == 2


def test_folders_follow_the_flags(tmp_path):
    plain = Folders.of(Launch())
    assert plain.data == PROGRAM and plain.checkpoints == (PROGRAM / "models/Stable-diffusion",)
    moved = Folders.of(Launch(data_dir=str(tmp_path), models_dir=str(tmp_path / "m"), ckpt_dir=str(tmp_path / "c")))
    assert moved.checkpoints == (tmp_path / "m/Stable-diffusion", tmp_path / "c")
    assert moved.config == tmp_path / "config.json" and moved.output("outputs/x") == tmp_path / "outputs/x"
    assert moved.output(str(tmp_path / "else")) == tmp_path / "else"


@pytest.mark.parametrize(
    ("flags", "closed"),
    [
        ({}, ()),
        ({"freeze_settings": True}, ("samples_format", "grid_save", "sd_vae")),
        ({"freeze_settings_in_sections": "Upscaling, VAE"}, ("sd_vae",)),
        ({"freeze_specific_settings": "grid_save,none_such"}, ("grid_save",)),
    ],
)
def test_flags_freeze_settings(config, flags, closed):
    options = Options(Store(config), frozen=frozen(Launch(**flags)))
    changes = {"samples_format": "webp", "grid_save": False, "sd_vae": "None"}
    for name, value in changes.items():
        options.change({name: getattr(options.view(), name)})  # what it is already may be sent back
        if name in closed:
            with pytest.raises(Forbidden, match=name):
                options.change({name: value})
        else:
            options.change({name: value})
        assert (getattr(options.view(), name) == value) == (name not in closed)


def test_some_settings_are_the_pages_alone(config):
    options = Options(Store(config))
    with pytest.raises(Forbidden, match="page alone"):
        options.change({"api_enable_requests": True}, by_page=False)
    options.change({"api_enable_requests": False}, by_page=False)
    options.change({"api_enable_requests": True})
    assert options.view().api_enable_requests
