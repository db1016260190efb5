"""The set-up: command lines, the virtual environment, what is installed when, and how webui.py and the checks start."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modules import bootstrap

ROOT = Path(bootstrap.__file__).parents[1]

# A Python that does nothing but write down its arguments and a few variables; $FAIL names what it fails at.
STUB = """#!/bin/sh
echo "$*" >> "{log}"
echo "$GRADIO_ANALYTICS_ENABLED $HF_HUB_OFFLINE $PYTHONUNBUFFERED [$COMMANDLINE_ARGS]" > "{log}.env"
if [ -n "$FAIL" ]; then case "$*" in *"$FAIL"*) echo "the stub's own message"; exit 3;; esac; fi
case "$*" in
    "-m venv --clear "*) rm -rf "$4"; mkdir -p "$4/bin"; touch "$4/pyvenv.cfg"; cp "$0" "$4/bin/python";;
    "-c import sys, "*) printf 3.11;;
esac
"""


class Tree:
    """A copy of the launcher in a folder of its own, with a virtual environment whose Python is the stub."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self.venv = folder, folder / "log", folder / "venv"
        for name in ("webui.sh", "modules/bootstrap.py"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        self.requirements = folder / "requirements.txt"
        self.requirements.write_text("# ours\ntorch==1.0\ntorch-like==2.0\npillow==3.0\n")
        (folder / "requirements-alone.txt").write_text("lone==4.0\n")
        (folder / "tests").mkdir()
        (folder / "tests/requirements.txt").write_text("pytest==9.0\n")
        self.stub(self.venv / "bin/python")
        (self.venv / "pyvenv.cfg").touch()
        self.stamp = self.venv / "webui-requirements.installed"

    def stub(self, path: Path) -> Path:
        """Write a stub interpreter."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STUB.format(log=self.log))
        path.chmod(0o755)
        return path

    def start(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """Run the bootstrap with this test's Python and return what it printed."""
        return self.call([sys.executable, "-m", "modules.bootstrap", *arguments], status, variables)

    def shell(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """Run webui.sh and return what it printed."""
        return self.call(["bash", "webui.sh", *arguments], status, variables)

    def call(self, command: list[str], status: int, variables: dict[str, str]) -> str:
        self.log.unlink(missing_ok=True)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    @property
    def calls(self) -> list[str]:
        """What the stub was called with, without the questions about its version."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.replace(f"{self.folder}/", "") for line in lines if not line.startswith("-c import sys")]


PIP = "-m pip install --disable-pip-version-check --prefer-binary -r venv/webui-requirements.txt"
PIP_ALONE = "-m pip install --disable-pip-version-check --prefer-binary --no-deps -r venv/webui-requirements-alone.txt"
PIP_TESTS = "-m pip install --disable-pip-version-check --prefer-binary -r venv/webui-tests-requirements.txt"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A launcher to try out."""
    return Tree(tmp_path)


# Command lines


@pytest.mark.parametrize(
    ("text", "keep_backslashes", "words"),
    [
        ("", False, []),
        ("--listen --port 7861", False, ["--listen", "--port", "7861"]),
        ("--theme 'dark one' --x=\"a b\"", False, ["--theme", "dark one", "--x=a b"]),
        ("--api-auth user:pa#ss", False, ["--api-auth", "user:pa#ss"]),
        (r"--ckpt-dir /a\ b", False, ["--ckpt-dir", "/a b"]),
        (r'--ckpt-dir C:\sd --vae-dir "D:\my vae"', True, ["--ckpt-dir", r"C:\sd", "--vae-dir", r"D:\my vae"]),
    ],
)
def test_split(text: str, keep_backslashes: bool, words: list[str]) -> None:
    assert bootstrap.split(text, keep_backslashes) == words


def test_split_refuses_an_open_quote() -> None:
    with pytest.raises(bootstrap.SetupError, match="COMMANDLINE_ARGS"):
        bootstrap.split('--theme "dark')


def test_own_flags_are_taken_out() -> None:
    command = bootstrap.read_command_line(["-f", "--listen", "--skip-install", "--port", "1"])
    assert command == ({"-f", "--skip-install"}, ["--listen", "--port", "1", "--skip-install"], None)


def test_what_follows_test_goes_to_pytest() -> None:
    assert bootstrap.read_command_line(["--listen", "--test", "-f", "-k", "x"]).tests == ["-f", "-k", "x"]
    assert bootstrap.read_command_line(["--test"]).tests == []


# Starting


def test_arguments_reach_webui_after_commandline_args(tree: Tree) -> None:
    tree.start("-f", "--port", "2", "a b", COMMANDLINE_ARGS="--listen --port 1", PYTHONUNBUFFERED="yes")
    assert tree.calls == [PIP, PIP_ALONE, "webui.py --listen --port 1 --port 2 a b"]
    assert Path(f"{tree.log}.env").read_text() == "False 1 yes []\n"


def test_status_of_webui_is_passed_on(tree: Tree) -> None:
    tree.start(FAIL="webui.py", status=3)


def test_exit_ends_after_the_setup(tree: Tree) -> None:
    tree.start("--exit")
    assert tree.calls == [PIP, PIP_ALONE]


def test_an_open_quote_is_one_sentence(tree: Tree) -> None:
    output = tree.start(COMMANDLINE_ARGS="--theme 'dark", status=1)
    assert output.count("\n") == 1 and "COMMANDLINE_ARGS" in output
    assert tree.calls == []


# Installing


def test_installs_once(tree: Tree) -> None:
    tree.start()
    assert tree.calls == [PIP, PIP_ALONE, "webui.py"]
    assert tree.stamp.read_text().splitlines()[0] == "# Python 3.11"
    assert tree.start() == ""
    assert tree.calls == ["webui.py"]


def test_installs_again_when_the_requirements_change(tree: Tree) -> None:
    tree.start()
    tree.requirements.write_text("torch==1.1\n")
    assert "Installing requirements.txt" in tree.start()
    assert tree.calls == [PIP, "webui.py"]
    tree.start()
    assert tree.calls == ["webui.py"]


def test_failed_install_is_one_sentence_and_tried_again(tree: Tree) -> None:
    output = tree.start(FAIL="pip install", status=1).splitlines()
    assert output[-2:] == [
        "the stub's own message",
        f"The set-up stopped. Installing requirements.txt into {tree.venv} failed (the reason is above): "
        "check the network and the free disk space, then start again.",
    ]
    assert tree.calls == [PIP] and not tree.stamp.exists()
    tree.start()
    assert tree.calls == [PIP, PIP_ALONE, "webui.py"]


def test_failed_upgrade_leaves_no_stamp(tree: Tree) -> None:
    tree.start()
    tree.requirements.write_text("torch==1.1\n")
    tree.start(FAIL="pip install", status=1)
    assert not tree.stamp.exists()


@pytest.mark.parametrize("flag", ["--skip-install", "--skip-prepare-environment"])
def test_skip_install(tree: Tree, flag: str) -> None:
    tree.start(flag, "--listen")
    assert tree.calls == ["webui.py --listen --skip-install"]


def test_skip_install_without_an_environment(tree: Tree) -> None:
    assert f"{tree.folder}/none" in tree.start("--skip-install", venv_dir="none", status=1)


def test_torch_command_replaces_the_pinned_torch(tree: Tree) -> None:
    tree.start(TORCH_COMMAND="pip install torch==1.0+special")
    assert tree.calls == ["-m pip install torch==1.0+special", PIP, PIP_ALONE, "webui.py"]
    assert tree.stamp.read_text().splitlines()[2:] == ["# ours", "torch-like==2.0", "pillow==3.0"]
    tree.start(TORCH_COMMAND="pip install torch==1.0+special")
    assert tree.calls == ["webui.py"]
    tree.start()
    assert tree.calls == [PIP, PIP_ALONE, "webui.py"]


def test_reinstall_torch(tree: Tree) -> None:
    tree.start()
    tree.start("--reinstall-torch")
    assert tree.calls == ["-m pip install torch==1.0 --force-reinstall", PIP, "webui.py"]


# The virtual environment


def make_venv_with_stub(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare the tree's environment in this process, with a stub in the place of this Python."""
    monkeypatch.setattr(bootstrap, "ROOT", tree.folder)
    monkeypatch.setattr(sys, "executable", str(tree.stub(tree.folder / "bin/python3")))
    monkeypatch.delenv("venv_dir", raising=False)
    monkeypatch.delenv("TORCH_COMMAND", raising=False)
    assert bootstrap.prepare(bootstrap.read_command_line([])) == tree.venv / "bin/python"


@pytest.mark.parametrize("state", ["missing", "empty", "without python", "dangling python", "python that fails"])
def test_missing_or_half_made_environment_is_made(tree: Tree, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    python = tree.venv / "bin/python"
    if state in ("missing", "empty"):
        shutil.rmtree(tree.venv)
    if state == "empty":
        tree.venv.mkdir()
    if state in ("without python", "dangling python"):
        python.unlink()
    if state == "dangling python":
        python.symlink_to(tree.folder / "gone")
    if state == "python that fails":
        python.write_text("#!/bin/sh\nexit 1\n")
    make_venv_with_stub(tree, monkeypatch)
    assert tree.calls == ["-m venv --clear venv", PIP, PIP_ALONE]
    assert tree.stamp.exists()


def test_environment_of_another_python_is_made_again(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.stamp.write_text("# Python 3.9\n")
    make_venv_with_stub(tree, monkeypatch)
    assert tree.calls == ["-m venv --clear venv", PIP, PIP_ALONE]


def test_a_folder_with_other_things_in_it_is_left_alone(tree: Tree) -> None:
    (tree.folder / "photos").mkdir()
    (tree.folder / "photos/one.jpg").touch()
    output = tree.start(venv_dir="photos", status=1)
    assert "neither empty nor a virtual environment" in output and output.count("\n") == 1
    assert (tree.folder / "photos/one.jpg").exists()


def test_venv_dir(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    tree.stub(elsewhere / "bin/python")
    tree.start(venv_dir=str(elsewhere))
    assert (elsewhere / "webui-requirements.installed").exists() and not tree.stamp.exists()


def test_venv_dir_minus_is_the_current_interpreter(tree: Tree) -> None:
    (tree.folder / "webui.py").write_text("import sys\nprint(sys.executable, sys.argv[1:])\n")
    assert tree.start("--skip-install", "a", venv_dir="-") == f"{sys.executable} ['a', '--skip-install']\n"


def test_old_python_is_refused(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))
    with pytest.raises(bootstrap.SetupError, match="python_cmd"):
        bootstrap.prepare(bootstrap.read_command_line([]))


# The checks


def test_all_checks_in_order(tree: Tree) -> None:
    output = tree.start("--test", COMMANDLINE_ARGS="--listen")
    checks = [f"-m {name}" for name in bootstrap.CHECKS]
    assert tree.calls == [PIP, PIP_ALONE, PIP_TESTS, *checks]
    assert re.findall(r"(?m)^(\w+).*: ok, \d+\.\d s$", output) == ["ruff", "ruff", "mypy", "pytest"]
    tree.start()
    assert tree.calls == ["webui.py"]


def test_arguments_after_test_run_pytest_alone(tree: Tree) -> None:
    tree.start("--skip-install", "--test", "-k", "x")
    assert tree.calls == ["-m pytest -k x"]


def test_first_failing_check_ends_the_run(tree: Tree) -> None:
    output = tree.start("--skip-install", "--test", FAIL="mypy", status=3)
    assert tree.calls[-1] == "-m mypy" and "mypy: failed with status 3, " in output


# The shell script


def test_webui_sh_reads_webui_user_sh(tree: Tree) -> None:
    python = tree.stub(tree.folder / "my python/python3")
    settings = f'python_cmd="{python}"\nvenv_dir=none\nexport COMMANDLINE_ARGS="--listen"\n'
    (tree.folder / "webui-user.sh").write_text(settings)
    tree.shell("a b", "c")
    assert tree.log.read_text().splitlines()[-1] == "-m modules.bootstrap a b c"
    assert Path(f"{tree.log}.env").read_text() == "   [--listen]\n"


def test_webui_sh_uses_the_environment_that_is_there(tree: Tree) -> None:
    tree.shell(python_cmd="/none")
    assert tree.calls[-1] == "-m modules.bootstrap"


def test_webui_sh_without_a_python(tree: Tree) -> None:
    output = tree.shell(venv_dir="-", python_cmd="/none", status=1)
    assert output.count("\n") == 1 and "3.10" in output and "/none" in output


@pytest.mark.parametrize("script", ["webui.sh", ".ci/run"])
def test_scripts_parse(script: str) -> None:
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)
    assert os.access(ROOT / script, os.X_OK)


# The requirements


@pytest.mark.parametrize("name", [bootstrap.REQUIREMENTS, bootstrap.LONE_REQUIREMENTS, bootstrap.TEST_REQUIREMENTS])
def test_requirements_are_pinned(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r'[A-Za-z0-9-]+==\d+(\.\d+)+(; python_version (>=|<) "3\.11")?', line), line
    names = [line.split("==")[0].lower() for line in lines if "<" not in line]
    assert len(names) == len(set(names))
    bound = {"torchvision", "torchaudio"} | ({"spandrel"} if name != bootstrap.LONE_REQUIREMENTS else set())
    assert not bound & set(names), "they bind torch to a build of their own"


NAMED = {"PIL": "pillow", "yaml": "pyyaml", "cv2": "opencv-python-headless"}  # distributions of modules


def test_what_is_imported_is_required() -> None:
    imported: set[str] = set()
    for file in [ROOT / "webui.py", *(ROOT / "modules").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            imported.update(name.partition(".")[0] for name in names)
    files = (bootstrap.REQUIREMENTS, bootstrap.LONE_REQUIREMENTS)
    text = "\n".join((ROOT / name).read_text().lower() for name in files)
    required = set(re.findall(r"(?m)^[a-z0-9-]+(?===)", text))
    distributions = {NAMED.get(name, name) for name in imported}
    assert distributions - sys.stdlib_module_names - {"modules"} <= required
