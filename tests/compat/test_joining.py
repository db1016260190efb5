"""Which extensions are loaded at start, and what their scripts may fetch."""

import json

from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.app import build
from modules.compat import file_route
from modules.compat.joining import extensions_in, wanted
from modules.settings.sections import Launch


def made(root, *names):
    for name in names:
        (root / "extensions" / name / "scripts").mkdir(parents=True)


def test_folders_that_hold_nothing_are_no_extensions(tmp_path):
    made(tmp_path, "one", "Two")
    (tmp_path / "extensions" / "notes").mkdir()
    assert [one.name for one in extensions_in(tmp_path / "extensions")] == ["one", "Two"]


def test_the_settings_file_switches_them_off_as_a1111s_does(tmp_path):
    made(tmp_path, "one", "two")
    (tmp_path / "config.json").write_text(json.dumps({"disabled_extensions": ["one"]}))
    app = build(Launch(data_dir=str(tmp_path), no_download_sd_model=True))
    try:
        assert [one.name for one in wanted(app)] == ["two"]
        app.options._store.update({"disable_all_extensions": "all"})
        assert wanted(app) == []
    finally:
        app.queue.close()


def test_scripts_fetch_files_of_a_few_folders_alone(fresh_app):
    data = fresh_app.folders.data
    made(data, "one")
    (data / "extensions/one/tags.csv").write_text("cat")
    (data / "extensions/one/.git").mkdir()
    (data / "extensions/one/.git/config").write_text("secret")
    (data / "config.json").write_text("{}")
    api = FastAPI()
    file_route.serve(api, fresh_app, [data / "extensions/one"])
    client = TestClient(api)
    assert client.get("/file=extensions/one/tags.csv?1").text == "cat"
    for path in ("config.json", "extensions/one/.git/config", "extensions/one/../../config.json", "/etc/passwd"):
        assert client.get(f"/file={path}").status_code == 404, path
