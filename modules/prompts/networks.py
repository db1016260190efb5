"""Networks named in a prompt, `<lora:name:0.8>` or `<lora:name:te=1:unet=0.5>`: out of the text, into data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modules.exceptions import PromptError

TAG = re.compile(r"<(\w+):([^>]+)>")


@dataclass(frozen=True, slots=True)
class NetworkTag:
    """`<kind:item:item…>`: an item with one `=` is named, any other one positional; the first names the network."""

    kind: str
    items: tuple[str, ...]

    @property
    def positional(self) -> tuple[str, ...]:
        """The items without a name, in order."""
        return tuple(item for item in self.items if item.count("=") != 1)

    @property
    def named(self) -> dict[str, str]:
        """The items with a name; of two with the same name the later one."""
        return dict(item.split("=") for item in self.items if item.count("=") == 1)

    def __str__(self) -> str:
        return f"<{self.kind}:{':'.join(self.items)}>"


@dataclass(frozen=True, slots=True)
class Use:
    """What a tag asks for: a network, its strength on text encoders and on the UNet, a LoRA's rank to cut to."""

    kind: str
    name: str
    te: float = 1.0
    unet: float = 1.0
    dyn: int | None = None


def use(tag: NetworkTag) -> Use:
    """`<kind:name:te:unet:dyn>`, numbers also by name; the UNet's is the text encoders' unless told. PromptError."""
    name, *numbers = tag.positional or ("",)
    said = dict(zip(("te", "unet", "dyn"), numbers, strict=False)) | tag.named
    try:
        te = float(said.get("te", 1))
        dyn = int(said["dyn"]) if "dyn" in said else None
        return Use("lora" if tag.kind == "lyco" else tag.kind, name, te, float(said.get("unet", te)), dyn)
    except ValueError as error:
        raise PromptError(f"{str(tag)[:80]} has no number where one belongs; it was left out.") from error


def parse_tags(prompt: str) -> tuple[str, list[NetworkTag]]:
    """The prompt without its tags, and the tags in order. What is not closed is text."""
    end = prompt.rfind(">") + 1  # behind it no tag closes, and looking for one would take quadratic time
    tags = [NetworkTag(match[1], tuple(match[2].split(":"))) for match in TAG.finditer(prompt, 0, end)]
    return TAG.sub("", prompt[:end]) + prompt[end:], tags
