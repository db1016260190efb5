"""`install.py`: run once for each state of an extension, in a process of its own whose pip reaches the venv alone."""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from modules.host.extensions.finding import Extension
from modules.host.extensions.git import commit_of
from modules.host.extensions.records import INSTALLED, Records
from modules.host.troubles import Report
from modules.settings.folders import PROGRAM

log = logging.getLogger(__name__)

FILE = "install.py"
LONGEST = 1800  # seconds; packages may be large and the line slow
SHOWN_LINES = 20  # of the output in the log
SHOWN = 4000  # characters of the output that a failure tells
ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PYTHONHOME", "PYTHONSTARTUP")


def stamp(extension: Extension) -> str:
    """What the installation depends on: the extension's files that say so, its commit, and the interpreter."""
    made = hashlib.sha256(f"{sys.prefix}\n{sys.version}\n{commit_of(extension.path)}".encode())
    for path in sorted({extension.path / FILE, *extension.path.glob("requirements*.txt")}):
        made.update(path.name.encode() + b"\n" + (path.read_bytes() if path.is_file() else b""))
    return made.hexdigest()


def install(extension: Extension, records: Records, cache: Path, paths: Sequence[Path] = ()) -> bool:
    """Run it unless this state has been installed; whether it ran. Report where it fails.

    `paths` are searched for modules before all others; pins for pip and the whole output are kept in `cache`.
    """
    if not (extension.path / FILE).is_file():
        return False
    wanted = stamp(extension)
    if records.get(extension.name, INSTALLED) == wanted:
        return False
    log.info("Installing what the extension %s needs", extension.name)
    said = run([sys.executable, "-u", str(extension.path / FILE)], environment(pins(cache), paths))
    kept = cache / "extensions" / f"{extension.name}.install.log"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(said.stdout, encoding="utf-8")
    if said.returncode:
        last = (said.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise Report(f"install.py ended with {said.returncode}: {last[:300]}\n{said.stdout[-SHOWN:]}")
    for line in said.stdout.strip().splitlines()[-SHOWN_LINES:]:
        log.info("%s: %s", extension.name, line)
    records.put(extension.name, INSTALLED, stamp(extension))  # it may have written its own requirements
    return True


def run(command: Sequence[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it in the program's folder without input; its output and errors as one text. Report if it hangs."""
    try:
        return subprocess.run(
            command,
            cwd=PROGRAM,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Report(f"install.py did not end within {LONGEST // 60} minutes and was ended.") from error


def environment(pinned: Path, paths: Sequence[Path]) -> dict[str, str]:
    """What install.py may know: pip asks nothing, keeps to the venv and leaves our packages alone."""
    given = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    places = [PROGRAM, *paths, *filter(None, [given.get("PYTHONPATH")])]
    binaries = [str(Path(sys.executable).parent), given.get("PATH", "")]
    own = {
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "PATH": os.pathsep.join(filter(None, binaries)),
        "PIP_CONSTRAINT": str(pinned),
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    if sys.prefix != sys.base_prefix:
        own |= {"VIRTUAL_ENV": sys.prefix, "PIP_REQUIRE_VIRTUALENV": "1"}
    return given | own


def pins(cache: Path) -> Path:
    """A constraints file for pip: the packages that the program asks for, in the versions that are there."""
    lines: dict[str, None] = {}
    for line in (PROGRAM / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line):
            try:
                lines[f"{found[0]}=={importlib.metadata.version(found[0])}"] = None
            except importlib.metadata.PackageNotFoundError:
                continue
    path = cache / "extensions" / "pins.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path
