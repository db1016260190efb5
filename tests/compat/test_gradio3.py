"""gradio 3 on gradio 6, in a process of its own: the shim changes gradio's classes for good."""

import os
import subprocess
import sys
from pathlib import Path

CONSTRUCTS = Path(__file__).parent / "constructs.py"
ROOT = CONSTRUCTS.parents[2]


def test_every_construct_of_gradio_3():
    """Warnings are gradio's: of what it does not like, though it works."""
    command = [sys.executable, "-W", "ignore", str(CONSTRUCTS)]
    found = subprocess.run(
        command, capture_output=True, text=True, timeout=240, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 failed" in found.stdout
