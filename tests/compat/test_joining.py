"""How extensions are loaded at start: their flags, their order, those that fail, and what their scripts may fetch."""

import textwrap

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.compat import binding, file_route
from modules.compat.callbacks import CALLBACKS
from modules.compat.joining import found
from modules.compat.registry import REGISTRY
from modules.settings.sections import Launch


@pytest.fixture
def early():
    yield
    binding.bind(None)


def test_a_preload_knows_flags_and_folders_before_there_is_a_program(tmp_path, early):
    folder = tmp_path / "extensions" / "one"
    folder.mkdir(parents=True)
    (folder / "preload.py").write_text(
        textwrap.dedent(
            """
            import os
            from modules import shared
            from modules.paths_internal import models_path
            def preload(parser):
                parser.add_argument("--one-dir", default=os.path.join(models_path, "one"))
                parser.add_argument("--one-port", type=int, default=shared.cmd_opts.port)
                try:
                    shared.sd_model
                except Exception as error:
                    parser.add_argument("--why", default=str(error))
            """
        )
    )
    extensions = found(Launch(data_dir=str(tmp_path), port=7000))
    assert extensions.preload(["--two", "--one-port", "1"]) == ["--two"]
    assert extensions.flags["one_dir"] == str(tmp_path / "models" / "one") and extensions.flags["one_port"] == 1
    assert "running program" in extensions.flags["why"]
    assert extensions.troubles.of("one") == []


def test_a_script_that_fails_leaves_no_callback_behind(names, extension):
    extension(
        broken="""
        from modules import script_callbacks
        script_callbacks.on_app_started(lambda demo, app: None)
        raise RuntimeError("half way")
        """,
        whole="from modules import script_callbacks\nscript_callbacks.on_app_started(lambda demo, app: None)\n",
    )
    assert [one.extension for one in CALLBACKS.all()] == ["whole"]
    assert "half way" in names.extensions.troubles.of("broken")[0].sentence


def test_scripts_are_read_in_the_order_of_metadata(names, extension, tmp_path):
    for name, text in (("a", "[scripts]\nAfter=zed\n"), ("zed", "[Extension]\nName=zed\n")):
        (tmp_path / "extensions" / name).mkdir(parents=True)
        (tmp_path / "extensions" / name / "metadata.ini").write_text(text)
    source = """
    from modules import scripts
    class One(scripts.Script):
        def title(self): return __name__
    """
    extension(a=source, zed=source)
    own = [data for data in REGISTRY.scripts_data if data.path.startswith(str(tmp_path))]
    assert [REGISTRY.names[data.script_class] for data in own] == ["zed", "a"]


def test_scripts_fetch_files_of_a_few_folders_alone(fresh_app):
    data = fresh_app.folders.data
    (data / "extensions/one/scripts").mkdir(parents=True)
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
