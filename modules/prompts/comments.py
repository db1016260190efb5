"""Comments in a prompt: from `#` to the end of the line."""

from __future__ import annotations


def strip_comments(prompt: str) -> str:
    """The prompt without comments; a line that held nothing else goes with its comment."""
    if "#" not in prompt:
        return prompt
    kept = []
    for line in prompt.split("\n"):
        text, mark, _ = line.partition("#")
        if not mark:
            kept.append(line)
        elif text.strip():
            kept.append(text.rstrip())
    return "\n".join(kept)
