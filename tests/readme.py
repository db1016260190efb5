"""What the README shows as code, so that it is tried word for word."""

from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def script() -> str:
    """Its example of a script."""
    blocks = README.read_text(encoding="utf-8").split("```python\n")[1:]
    return next(code for code in (block.split("```")[0] for block in blocks) if "AlwaysOn" in code)
