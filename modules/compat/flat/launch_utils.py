"""A1111's `modules.launch_utils`: what `install.py` files use."""

import importlib.metadata
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

from modules.compat.binding import bound as _bound

python = sys.executable
git = os.environ.get("GIT", "git")
index_url = os.environ.get("INDEX_URL", "")
dir_repos = "repositories"
default_command_live = True
re_requirement = re.compile(r"\s*([-_a-zA-Z0-9]+)\s*(?:==\s*([-+_.a-zA-Z0-9]+))?\s*")


def run(command, desc=None, errdesc=None, custom_env=None, live=False):
    """Run a command; its output. RuntimeError with what it said where it fails."""
    made = subprocess.run(
        command,
        shell=isinstance(command, str),
        env=custom_env or os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        said = f"{made.stdout}\n{made.stderr}".strip()[-2000:]
        raise RuntimeError(f"{errdesc or 'Error running command'}: {command}\n{said}")
    return made.stdout


def run_pip(command, desc=None, live=False):
    """Install into the program's own environment, nowhere else; torch and its kin stay as they are."""
    if getattr(args, "skip_install", False):
        return None
    index = f" --index-url {index_url}" if index_url else ""
    pins = pathlib.Path(__file__).parents[3] / "requirements.txt"
    call = f'"{python}" -m pip {command} --prefer-binary --disable-pip-version-check -c "{pins}"{index}'
    return run(call, desc=f"Installing {desc}", errdesc=f"Couldn't install {desc}")


def is_installed(package):
    """Whether a package, by its own name or its module's, is there."""
    try:
        importlib.metadata.distribution(package)
        return True
    except importlib.metadata.PackageNotFoundError:
        pass
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def check_run(command):
    """Whether a command succeeds."""
    return subprocess.run(command, shell=True, capture_output=True, check=False).returncode == 0


def check_run_python(code):
    """Whether a line of Python does."""
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def run_python(code, desc=None, errdesc=None):
    """Run a line of Python."""
    return run([python, "-c", code], desc, errdesc)


def repo_dir(name):
    """Where A1111 kept repositories."""
    from modules.paths import script_path

    return os.path.join(script_path, dir_repos, name)


def git_tag():
    """The program's version."""
    from modules import VERSION

    return VERSION


def commit_hash():
    """Of the program's own folder; <none> where it is no repository."""
    if shutil.which(git) is None:
        return "<none>"
    found = subprocess.run([git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "<none>"


def git_clone(url, dir, name, commithash=None):
    """Refused: extensions bring what they need in their own folder."""
    raise RuntimeError(f"{name} is not cloned: extensions install packages by run_pip, and nothing else is fetched.")


def requirements_met(requirements_file):
    """Whether every package of a file is there in the version asked for."""
    with open(requirements_file, encoding="utf8") as file:
        for line in file:
            found = re_requirement.match(line.split("#")[0])
            if not found or not line.split("#")[0].strip():
                continue
            try:
                version = importlib.metadata.version(found.group(1).strip())
            except importlib.metadata.PackageNotFoundError:
                return False
            if found.group(2) and version != found.group(2):
                return False
    return True


def list_extensions(settings_file):
    """The extensions that are loaded."""
    from modules.extensions import active

    return [one.name for one in active()] if _bound() else []


def prepare_environment():
    """Done by webui.sh."""


def _args():
    from modules.compat.opts import CmdOpts

    return CmdOpts()


args = _args()
