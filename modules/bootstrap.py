"""Makes a virtual environment, installs requirements.txt into it and becomes webui.py there (standard library only)."""

from __future__ import annotations  # so that a Python too old for the program can read this file and say so

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 10)
REQUIREMENTS, TEST_REQUIREMENTS = "requirements.txt", "tests/requirements.txt"
LONE_REQUIREMENTS = "requirements-alone.txt"  # installed without what they ask for
PYTHON_IN_VENV = "Scripts/python.exe" if os.name == "nt" else "bin/python"
CHECKS = (
    "ruff check .",
    "ruff format --check .",
    "mypy",
    "pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder",
)
FLAGS = {
    "--skip-install": "start with the packages that are installed already; nothing is made or installed",
    "--skip-prepare-environment": "the same as --skip-install",
    "--skip-python-version-check": "do not refuse a Python that is too old",
    "--reinstall-torch": "install torch again, even when it is there",
    "--exit": "end after the set-up, without starting",
    "--test": "install the test tools too and run all checks; what follows it goes to pytest",
    "-f": "accepted and ignored: running as root needs no permission",
}
SKIPPING = {"--skip-install", "--skip-prepare-environment"}


class SetupError(Exception):
    """The set-up cannot go on: one sentence that says what, where and what to do."""


class CommandLine(NamedTuple):
    """A command line taken apart: the set-up's own flags, webui.py's arguments, pytest's after --test (else None)."""

    flags: set[str]
    arguments: list[str]
    tests: list[str] | None


def say(text: str) -> None:
    """Write a line at once, so that it stands before what a child process prints next."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def split(text: str, keep_backslashes: bool = os.name == "nt") -> list[str]:
    """Split COMMANDLINE_ARGS as a shell would, but for the backslashes of Windows paths."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    lexer.escape = "" if keep_backslashes else "\\"
    try:
        return list(lexer)
    except ValueError as error:
        raise SetupError(f"COMMANDLINE_ARGS or TORCH_COMMAND cannot be read ({error}): {text}") from error


def read_command_line(arguments: list[str]) -> CommandLine:
    """Take apart all arguments, those of COMMANDLINE_ARGS first."""
    end = arguments.index("--test") if "--test" in arguments else len(arguments)
    flags, others = FLAGS.keys() & arguments[:end], [a for a in arguments[:end] if a not in FLAGS]
    others += ["--skip-install"] if flags & SKIPPING else []  # of extensions' packages too
    return CommandLine(flags, others, arguments[end + 1 :] if end < len(arguments) else None)


def environment() -> dict[str, str]:
    """What every child process gets; a variable that the user has set stays."""
    offline = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    given = {name: value for name, value in os.environ.items() if name != "COMMANDLINE_ARGS"}  # it is in the arguments
    return {**offline, **given}


def run(*command: str) -> int:
    """Run a command in the program's folder with its output shown; return its exit status as a shell would."""
    status = subprocess.call(command, cwd=ROOT, env=environment())
    return status if status >= 0 else 128 - status


def venv_folder() -> Path | None:
    """The folder named by venv_dir as in A1111, or None for "-": install into the interpreter that runs this."""
    name = os.environ.get("venv_dir") or os.environ.get("VENV_DIR") or "venv"  # noqa: SIM112 (A1111's spelling)
    return None if name == "-" else ROOT / Path(name.strip('"')).expanduser()


def stamp_of(home: Path, name: str) -> Path:
    """The file in an environment that holds a requirements file as it was last installed to the end."""
    return home / f"webui-{name.removesuffix('.txt').replace('/', '-')}.installed"


def python_version(python: Path, needs: str = "sys") -> str:
    """The version of an interpreter, such as "3.11"; empty if it does not run or lacks a module that it needs."""
    probe = f"import sys, {needs}; sys.stdout.write('{{}}.{{}}'.format(*sys.version_info))"
    return subprocess.run([str(python), "-c", probe], capture_output=True, text=True).stdout if python.exists() else ""


def is_whole(folder: Path, version: str) -> bool:
    """Whether a virtual environment can be used: not half made, nor left behind by a change of its Python."""
    stamp = stamp_of(folder, REQUIREMENTS)
    if version and stamp.is_file():
        return stamp.read_text("utf-8").startswith(f"# Python {version}\n")
    return python_version(folder / PYTHON_IN_VENV, needs="pip._internal.cli.main") != ""


def make_venv(folder: Path) -> None:
    """Make a virtual environment, in place of a broken one if need be."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file():
        raise SetupError(f"{folder} is neither empty nor a virtual environment: set venv_dir to another folder.")
    say(f"Making a virtual environment in {folder}")
    if run(sys.executable, "-m", "venv", "--clear", str(folder)) != 0:
        advice = "install the package python3-venv, or set python_cmd to another Python"
        raise SetupError(f"{sys.executable} could not make {folder} (the reason is above): {advice}.")


def install(python: Path, home: Path, name: str, version: str, reinstall_torch: bool = False) -> None:
    """Install a requirements file unless its stamp says that this is done; only success leaves a stamp."""
    stamp = stamp_of(home, name)
    torch_command = split(os.environ.get("TORCH_COMMAND", ""))
    lines = (ROOT / name).read_text("utf-8").splitlines()
    torch = [line for line in lines if re.match(r"torch\b(?!-)", line)]
    if torch_command:
        lines = [line for line in lines if line not in torch]
    text = "\n".join([f"# Python {version}", f"# TORCH_COMMAND: {torch_command}", *lines, ""])
    if stamp.is_file() and stamp.read_text("utf-8") == text and not reinstall_torch:
        return
    stamp.unlink(missing_ok=True)
    say(f"Installing {name} into {home} (the first time this takes some minutes)")
    wanted = stamp.with_suffix(".txt")
    wanted.write_text(text, "utf-8")
    alone = ["--no-deps"] if name == LONE_REQUIREMENTS else []
    commands = [["pip", "install", "--disable-pip-version-check", "--prefer-binary", *alone, "-r", str(wanted)]]
    if torch and (torch_command or reinstall_torch):
        commands.insert(0, (torch_command or ["pip", "install", *torch]) + ["--force-reinstall"] * reinstall_torch)
    for command in commands:
        if run(str(python), "-m", *command) != 0:
            advice = "check the network and the free disk space, then start again"
            raise SetupError(f"Installing {name} into {home} failed (the reason is above): {advice}.")
    wanted.replace(stamp)


def prepare(command: CommandLine) -> Path:
    """Make and fill the environment as far as that is not done; return its interpreter."""
    if sys.version_info[:2] < OLDEST_PYTHON and "--skip-python-version-check" not in command.flags:
        raise SetupError(f"{sys.executable} is Python {sys.version.split()[0]}: set python_cmd to a Python >= 3.10.")
    folder = venv_folder()
    python = folder / PYTHON_IN_VENV if folder else Path(sys.executable)
    if command.flags & SKIPPING:
        if not python.exists():
            raise SetupError(f"There is no virtual environment in {folder}: start once without --skip-install.")
        return python
    version = python_version(python)
    if folder and not is_whole(folder, version):
        make_venv(folder)
        version = python_version(python)
    home = folder or Path(sys.prefix)
    install(python, home, REQUIREMENTS, version, "--reinstall-torch" in command.flags)
    install(python, home, LONE_REQUIREMENTS, version)
    if command.tests is not None:
        install(python, home, TEST_REQUIREMENTS, version)
    return python


def check(python: Path, pytest_arguments: list[str]) -> int:
    """Run all checks up to the first that fails, or pytest alone when it is given arguments; return the exit status."""
    for name in ("pytest",) if pytest_arguments else CHECKS:
        start = time.monotonic()
        status = run(str(python), "-m", *name.split(), *pytest_arguments)
        say(f"{name}: {f'failed with status {status}' if status else 'ok'}, {time.monotonic() - start:.1f} s")
        if status:
            return status
    return 0


def become(*command: str) -> int:
    """Replace this process by a command; where that cannot be done, run it and return its exit status."""
    if os.name == "posix":
        os.execve(command[0], command, environment())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the console tells the child too, which ends when it is ready
    return subprocess.call(command, env=environment())


def main(arguments: list[str]) -> int:
    """Set up, then start webui.py or run the checks; return the exit status."""
    try:
        command = read_command_line(split(os.environ.get("COMMANDLINE_ARGS", "")) + arguments)
        python = prepare(command)
        if command.tests is not None:
            return check(python, command.tests)
        if "--exit" in command.flags:
            return 0
        return become(str(python), str(ROOT / "webui.py"), *command.arguments)
    except (SetupError, OSError) as error:
        say(f"The set-up stopped. {error}")
        return 1
    except KeyboardInterrupt:
        say("Interrupted; the next start goes on from here.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
