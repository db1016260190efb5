"""The arrows of the tree, checked on the syntax so that lazy imports count too."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import modules

ROOT = Path(modules.__file__).parent
# fmt: off
A1111_NAMES = {
    "api", "cache", "call_queue", "cmd_args", "codeformer_model", "config_states", "dat_model", "deepbooru", "devices",
    "errors", "esrgan_model", "extensions", "extra_networks", "extras", "face_restoration", "fifo_lock",
    "generation_parameters_copypaste", "gfpgan_model", "gitpython_hack", "hashes", "hypernetworks", "images", "img2img",
    "import_hook", "infotext_utils", "infotext_versions", "initialize", "interrogate", "launch_utils", "localization",
    "logging_config", "lowvram", "masking", "memmon", "models", "modelloader", "ngrok", "options", "patches", "paths",
    "postprocessing", "processing", "progress", "prompt_parser", "realesrgan_model", "restart", "rng", "rng_philox",
    "safe", "scripts", "script_callbacks", "sd_hijack", "sd_models", "sd_samplers", "sd_schedulers", "sd_unet",
    "sd_vae", "shared", "shared_state", "styles", "sysinfo", "textual_inversion", "timer", "torch_utils", "txt2img",
    "ui", "ui_common", "ui_components", "upscaler", "util", "xpu_specific",
}
# fmt: on


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def sources() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if room_of(path) in modules.ROOMS]


def imported_rooms(tree: ast.AST) -> set[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("modules.")} & set(modules.ROOMS)


def floor(room: str) -> int:
    return next(number for number, rooms in enumerate(modules.FLOORS) if room in rooms)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_lower_floors(path):
    room = room_of(path)
    for other in imported_rooms(ast.parse(path.read_text())):
        assert other == room or floor(other) < floor(room), f"{path} imports {other}"


def test_every_module_belongs_to_a_room():
    known = set(modules.ROOMS) | {"__init__", "bootstrap"}
    assert {room_of(path) for path in ROOT.rglob("*.py")} <= known


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_state_in_modules(path):
    tree = ast.parse(path.read_text())
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Global)
        for target in node.targets if isinstance(node, ast.Assign) else ():
            writes = (
                isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in imported
            )
            writes = writes and room_of(path) != "compat"  # gradio's classes as gradio 3 had them
            assert not writes, f"line {node.lineno} writes into another module"


def test_no_room_bears_the_name_of_an_a1111_module():
    assert not A1111_NAMES & set(modules.ROOMS)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{path.name}: {node.name}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text())), path


def test_a_name_of_the_pages_scripts_is_declared_once():
    """They share one scope: of two functions with one name the earlier is gone without a word."""
    texts = [path.read_text() for path in sorted((ROOT / "webui/javascript").glob("*.js"))]
    names = [name for text in texts for name in re.findall(r"(?m)^(?:(?:async )?function|let|const|class) (\w+)", text)]
    assert [name for name in names if names.count(name) > 1] == []


def test_the_page_needs_no_torch():
    """The page is up before the models: nothing that webui.py imports may bring in torch or diffusers."""
    code = (
        "import sys, modules.server, modules.cli, modules.webui.page;"
        "print([name for name in ('torch', 'diffusers', 'transformers') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert found.stdout.strip() == "[]"
