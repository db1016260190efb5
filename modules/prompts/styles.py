"""Styles: named texts that both prompts are dressed in, and the way back from the dressed prompts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modules.exceptions import PromptError

PLACE = "{prompt}"  # where a style says so, the prompt stands there; else the style follows it after a comma
JOINT = ", "
LONGEST = 1_000_000  # characters; styles that hold their prompt twice double it each


@dataclass(frozen=True, slots=True)
class Style:
    """A name and what is put around, or behind, each prompt."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""

    def apply(self, prompt: str, negative_prompt: str) -> tuple[str, str]:
        """Both prompts in this style."""
        return _dressed(prompt, self.prompt), _dressed(negative_prompt, self.negative_prompt)

    def remove(self, prompt: str, negative_prompt: str) -> tuple[str, str] | None:
        """The prompts that `apply` would give these for; None where the style is not in them."""
        if not self.prompt.strip() and not self.negative_prompt.strip():
            return None
        found, negative = _undressed(prompt, self.prompt), _undressed(negative_prompt, self.negative_prompt)
        return None if found is None or negative is None else (found, negative)


def _dressed(prompt: str, style: str) -> str:
    if PLACE in style:
        return style.replace(PLACE, prompt)
    return JOINT.join(text for text in (prompt.strip(), style.strip()) if text)


def _undressed(prompt: str, style: str) -> str | None:
    text = style.strip()
    before, place, after = text.partition(PLACE)
    if not place:
        if text in ("", prompt):
            return prompt.removesuffix(text)
        before, after = "", JOINT + text
    if len(prompt) < len(before) + len(after) or not (prompt.startswith(before) and prompt.endswith(after)):
        return None
    return prompt[len(before) : len(prompt) - len(after)]


def apply_styles(prompt: str, negative_prompt: str, styles: Iterable[Style]) -> tuple[str, str]:
    """Both prompts in all the styles, the first innermost. PromptError when they become too long."""
    for style in styles:
        prompt, negative_prompt = style.apply(prompt, negative_prompt)
        if len(prompt) + len(negative_prompt) > LONGEST:
            raise PromptError(f"The styles make a prompt of more than {LONGEST} characters; choose fewer.")
    return prompt, negative_prompt


def extract_styles(prompt: str, negative_prompt: str, styles: Iterable[Style]) -> tuple[list[str], str, str]:
    """(names in order of application, prompt, negative prompt): what `apply_styles` would make these prompts of."""
    waiting = list(styles)
    names: list[str] = []
    while True:
        for style in waiting:
            bare = style.remove(prompt, negative_prompt)
            if bare is not None:
                break
        else:
            return names[::-1], prompt, negative_prompt
        prompt, negative_prompt = bare
        names.append(style.name)
        waiting.remove(style)
