"""Extensions in their folder: found, ordered, their flags read and what they need installed."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from modules.exceptions import ParameterError
from modules.host.extensions import installing
from modules.host.extensions.catalogue import Extensions
from modules.settings.folders import PROGRAM, Folders
from modules.settings.sections import Launch

BESIDE = PROGRAM / "modules/compat/beside"


def write(root: Path, name: str, **parts: str) -> Path:
    """An extension of these files; a name's __ stands for a slash, and it ends in .py unless it is metadata."""
    folder = root / "extensions" / name
    (folder / "scripts").mkdir(parents=True, exist_ok=True)
    for part, text in parts.items():
        path = folder / ("metadata.ini" if part == "metadata" else f"{part.replace('__', '/')}.py")
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


def found(root: Path, stored=None, **flags) -> Extensions:
    launch = Launch(data_dir=str(root), **flags)
    return Extensions(Folders.of(launch), launch, stored or {}, [BESIDE])


def told(extensions: Extensions, name: str) -> list[str]:
    return [one.sentence for one in extensions.troubles.of(name)]


def test_only_folders_that_hold_an_extension_are_one(tmp_path):
    write(tmp_path, "one"), write(tmp_path, "Two"), write(tmp_path, ".hidden")
    (tmp_path / "extensions" / "notes").mkdir()
    assert [one.name for one in found(tmp_path).taken] == ["one", "Two"]


@pytest.mark.parametrize(
    ("stored", "flags", "taken"),
    [
        ({}, {}, ["one", "two"]),
        ({"disabled_extensions": ["ONE"]}, {}, ["two"]),
        ({"disable_all_extensions": "extra"}, {}, []),
        ({"disable_all_extensions": "all"}, {}, []),
        ({"disabled_extensions": "one", "disable_all_extensions": 7}, {}, ["one", "two"]),
        ({}, {"disable_all_extensions": True}, []),
        ({}, {"disable_extra_extensions": True}, []),
        ({}, {"safe": True}, []),
    ],
)
def test_what_settings_and_flags_switch_off(tmp_path, stored, flags, taken):
    write(tmp_path, "one"), write(tmp_path, "two")
    extensions = found(tmp_path, stored, **flags)
    assert [one.name for one in extensions.taken] == taken
    assert [one.name for one in extensions.all(stored)] == ["one", "two"]


def test_files_stand_in_the_order_that_metadata_asks_for(tmp_path):
    write(tmp_path, "a", scripts__x="", scripts__y="", metadata="[scripts/x.py]\nAfter = cee/z.py\n")
    write(tmp_path, "b", scripts__z="", metadata="[Extension]\nName = Bee\n[scripts]\nBefore = a\n")
    write(tmp_path, "c", scripts__z="", metadata="[Extension]\nName = Cee\n[scripts]\nAfter = bee, nobody\n")
    order = [(one.extension.name, one.path.name) for one in found(tmp_path).files("scripts", ".py")]
    assert order == [("b", "z.py"), ("a", "y.py"), ("c", "z.py"), ("a", "x.py")]


def test_an_order_in_a_circle_is_told_and_loses_no_file(tmp_path):
    write(tmp_path, "a", scripts__x="", metadata="[scripts]\nAfter = b\n")
    write(tmp_path, "b", scripts__x="", metadata="[scripts]\nAfter = a\n")
    extensions = found(tmp_path)
    assert [one.extension.name for one in extensions.files("scripts", ".py")] == ["a", "b"]
    assert "goes in a circle" in told(extensions, "a")[0]


def test_what_is_required_and_not_there_is_told(tmp_path):
    write(tmp_path, "a", metadata="[Extension]\nRequires = b, gone\n[scripts/x.py]\nRequires = c/x.py\n")
    write(tmp_path, "b"), write(tmp_path, "c")
    said = told(found(tmp_path, {"disabled_extensions": ["b"]}), "a")
    assert [one.split(": ")[1] for one in said] == ["b is switched off.", "gone is not installed."]


@pytest.mark.parametrize("text", ["[scripts\nAfter=x", "no section", "\x00\xff" * 9, "[Extension]\nName\n"])
def test_metadata_that_cannot_be_read_is_told_and_not_heeded(tmp_path, text):
    write(tmp_path, "a", metadata=text)
    extensions = found(tmp_path)
    assert [one.metadata.name for one in extensions.taken] == ["a"]
    assert "metadata.ini of a cannot be read" in told(extensions, "a")[0]


def test_translations_are_noted(tmp_path):
    (write(tmp_path, "a") / "localizations").mkdir()
    (tmp_path / "extensions/a/localizations/de_DE.json").write_text("{}")
    assert list(found(tmp_path).taken[0].localizations) == ["de_DE"]


PRELOAD = """
def preload(parser):
    parser.add_argument("--{0}-dir", default="usual")
    parser.add_argument("--{0}-count", type=int)
"""


def test_flags_of_extensions(tmp_path):
    write(tmp_path, "one", preload=PRELOAD.format("one"))
    write(tmp_path, "two", preload=PRELOAD.format("two"))
    write(tmp_path, "bad", preload="raise OSError('no such thing')")
    write(tmp_path, "end", preload="import sys\nsys.exit('good bye')")
    extensions = found(tmp_path)
    assert extensions.preload(["--one-dir", "x", "--who", "--two-count", "3"]) == ["--who"]
    assert extensions.flags == {"one_dir": "x", "one_count": None, "two_dir": "usual", "two_count": 3}
    assert "no such thing" in told(extensions, "bad")[0] and "good bye" in told(extensions, "end")[0]
    with pytest.raises(ParameterError, match=r"Extension 'one': --one-count: invalid int value: 'many'"):
        extensions.preload(["--one-count", "many"])


COUNTS = """
import os, pathlib, sys
log = pathlib.Path(__file__).with_name("runs.txt")
log.write_text(log.read_text() + "x" if log.exists() else "x")
"""


def runs(folder: Path) -> int:
    path = folder / "runs.txt"
    return len(path.read_text()) if path.exists() else 0


def test_install_runs_once_for_each_state(tmp_path):
    folder = write(tmp_path, "one", install=COUNTS)
    found(tmp_path).install_all()
    found(tmp_path).install_all()
    assert runs(folder) == 1
    (folder / "requirements.txt").write_text("something\n")
    found(tmp_path, skip_install=True).install_all()
    assert runs(folder) == 1
    found(tmp_path, {"disabled_extensions": ["one"]}).install_all()
    assert runs(folder) == 1
    found(tmp_path).install_all()
    assert runs(folder) == 2


def test_an_install_that_fails_is_told_with_what_it_said_and_tried_again(tmp_path):
    folder = write(tmp_path, "bad", install=COUNTS + "print('<b>no wheel</b>')\nraise SystemExit(3)\n")
    write(tmp_path, "good", install=COUNTS)
    extensions = found(tmp_path)
    extensions.install_all()
    (trouble,) = extensions.troubles.of("bad")
    assert trouble.sentence == "Extension 'bad' failed in its install.py: install.py ended with 3: <b>no wheel</b>"
    assert "no wheel" in trouble.trace and extensions.troubles.of("good") == []
    assert "no wheel" in (tmp_path / "cache/extensions/bad.install.log").read_text()
    found(tmp_path).install_all()
    assert runs(folder) == 2 and runs(tmp_path / "extensions/good") == 1


def test_an_install_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(installing, "LONGEST", 0.5)
    write(tmp_path, "slow", install="import time\ntime.sleep(60)")
    extensions = found(tmp_path)
    extensions.install_all()
    assert "did not end" in told(extensions, "slow")[0]


def test_install_knows_a1111s_launch_and_pip_keeps_to_the_venv(tmp_path):
    folder = write(
        tmp_path,
        "one",
        install="""
        import json, os, pathlib
        import launch
        from modules import paths_internal
        told = {name: os.environ.get(name) for name in ("PIP_REQUIRE_VIRTUALENV", "PIP_USER", "PIP_TARGET")}
        told |= {"torch": launch.is_installed("torch"), "gone": launch.is_installed("no_such_package")}
        told["pins"] = pathlib.Path(os.environ["PIP_CONSTRAINT"]).read_text()
        pathlib.Path(__file__).with_name("told.json").write_text(json.dumps(told))
        """,
    )
    extensions = found(tmp_path)
    extensions.install_all()
    assert told(extensions, "one") == []
    said = json.loads((folder / "told.json").read_text())
    assert said["torch"] and not said["gone"]
    assert said["PIP_USER"] == "0" and said["PIP_TARGET"] is None
    assert said["PIP_REQUIRE_VIRTUALENV"] == ("1" if sys.prefix != sys.base_prefix else None)
    assert "torch==" in said["pins"]


def test_pip_outside_a_venv_is_refused_by_its_surroundings(tmp_path):
    env = installing.environment(installing.pins(tmp_path), [])
    if "PIP_REQUIRE_VIRTUALENV" not in env:
        pytest.skip("these tests run outside a venv")
    outside = [f"{sys.base_prefix}/bin/python3", "-m", "pip", "download", "--no-index", "nothing"]
    said = subprocess.run(outside, env=env, capture_output=True, text=True, check=False)
    assert said.returncode and "virtualenv" in said.stderr
