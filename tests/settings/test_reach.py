"""Folders that a user of the page names."""

import pytest

from modules.exceptions import Forbidden, ParameterError
from modules.settings.folders import Folders
from modules.settings.reach import HOST, Role, User, named_folder
from modules.settings.sections import Launch


def named(text, data, user=HOST, **flags):
    launch = Launch(data_dir=str(data), **flags)
    return named_folder(text, Folders.of(launch), launch, user)


def test_guests_name_none(tmp_path):
    assert named("outputs", tmp_path, User("bob", Role.USER)) == tmp_path / "outputs"
    with pytest.raises(Forbidden, match="guest"):
        named("outputs", tmp_path, User("eve", Role.GUEST))


def test_at_home_any_folder_may_be_named(tmp_path):
    assert named(str(tmp_path / "photos"), tmp_path / "data") == tmp_path / "photos"
    assert named(f' "{tmp_path}/photos" ', tmp_path / "data") == tmp_path / "photos"
    assert named("outputs/x", tmp_path) == tmp_path / "outputs" / "x"


@pytest.mark.parametrize("flags", [{"listen": True}, {"server_name": "10.0.0.1"}])
def test_an_open_server_ends_at_the_data_folder(tmp_path, flags):
    data = tmp_path / "data"
    (data / "outputs").mkdir(parents=True)
    (data / "way_out").symlink_to(tmp_path)
    assert named("outputs", data, **flags) == data / "outputs"
    for text in ("..", "/etc", str(tmp_path), "outputs/../../x", "way_out/x", "~"):
        with pytest.raises(ParameterError, match="closed to users"):
            named(text, data, **flags)


def test_a_flag_closes_all_of_them(tmp_path):
    with pytest.raises(ParameterError, match="--hide-ui-dir-config"):
        named("outputs", tmp_path, hide_ui_dir_config=True)
