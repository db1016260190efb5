"""What is drawn of a request's prompts: styles put on, comments taken off, variants drawn; and how it is chunked.

Needs no torch: plans are made, and tokens counted, before it is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from modules.exceptions import PromptError
from modules.generate.request import Request
from modules.prompts.attention import Weighted, parse_attention
from modules.prompts.chunks import LENGTH, Chunk, Find, pack
from modules.prompts.comments import strip_comments
from modules.prompts.counting import Chunker, count_tokens, moments
from modules.prompts.networks import Use, parse_tags, use
from modules.prompts.old_emphasis import bracket_factors, pack_old
from modules.prompts.schedule import parse_schedule
from modules.prompts.stylefiles import Styles
from modules.prompts.styles import Style, apply_styles
from modules.settings.folders import Folders
from modules.settings.options import View
from modules.weights.tokenizer import tokenize, vocabulary

MOST_STEPS = 150  # that are counted: by then alternatives have come round
NETWORKS = ("lora", "lyco", "hypernet")
TEMPLATE, NEGATIVE_TEMPLATE = "Template", "Negative Template"  # keys of the Dynamic Prompts extension


class Writer:
    """Writes each image's own prompt out of the one that was asked for, before the job is queued."""

    def __init__(self, folders: Folders):
        """`folders` are the program's."""

    def write(self, text: str, seed: int, view: View, *, negative: bool) -> tuple[str, Sequence[str]]:
        """(one image's prompt, sentences for the user), the same whenever the seed is. PromptError for a bad text."""
        return text, ()


@dataclass(frozen=True, slots=True)
class Sources:
    """What prompts may refer to by name, and who writes those of single images, in turn."""

    styles: Styles
    writers: list[Writer] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """The prompts of each image; pairs for their infotexts; and sentences that the user should read."""

    prompts: tuple[str, ...]
    negative_prompts: tuple[str, ...]
    extra: dict[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()


def word(request: Request, view: View, seeds: Sequence[int], sources: Sources | None = None) -> Wording:
    """What these seeds draw of a request. PromptError where styles or wildcards would not end."""
    known = sources.styles.all() if sources and request.styles else {}
    comments = [f"There is no style {name[:60]!r}; it was left out." for name in request.styles if name not in known]
    styles = [known[name] for name in request.styles if name in known]
    prompt, negative = dressed(request.prompt, request.negative_prompt, styles, view)
    lengths = (_counted(prompt, request.steps, view), _counted(negative, request.steps, view, negative=True))
    if view.use_old_emphasis_implementation and max(lengths)[0] > LENGTH:
        comments.append(f"The old emphasis implementation reads {LENGTH} tokens; the rest was left out.")
    made = Wording(prompts=(prompt,) * len(seeds), negative_prompts=(negative,) * len(seeds), comments=tuple(comments))
    return _written(made, seeds, sources.writers, view) if sources and sources.writers else made


def dressed(prompt: str, negative_prompt: str, styles: Iterable[Style], view: View) -> tuple[str, str]:
    """Both prompts in styles, then without comments."""
    prompt, negative_prompt = apply_styles(prompt, negative_prompt, styles)
    if not view.enable_prompt_comments:
        return prompt, negative_prompt
    return strip_comments(prompt), strip_comments(negative_prompt)


def count(
    prompt: str, steps: int, styles: Iterable[str], view: View, sources: Sources, *, negative: bool = False
) -> tuple[int, int]:
    """(tokens, the next multiple of 75) of a prompt, or of a negative prompt."""
    known = sources.styles.all() if view.include_styles_into_token_counters else {}
    worn = [known[name] for name in styles if name in known]
    texts = dressed(*(("", prompt) if negative else (prompt, "")), worn, view)
    return _counted(texts[negative], steps, view, negative=negative)


def _counted(prompt: str, steps: int, view: View, *, negative: bool = False) -> tuple[int, int]:
    return count_tokens(prompt, min(steps, MOST_STEPS), chunker(view), negative=negative)


def _written(made: Wording, seeds: Sequence[int], writers: Sequence[Writer], view: View) -> Wording:
    """Each image's own prompts."""
    comments: dict[str, None] = {}

    def own(text: str, seed: int, *, negative: bool) -> str:
        for writer in writers:
            text, told = writer.write(text, seed, view, negative=negative)
            comments.update(dict.fromkeys(told))
        return text

    prompts, negatives = (
        tuple(own(text, seed, negative=negative) for text, seed in zip(texts, seeds, strict=True))
        for texts, negative in ((made.prompts, False), (made.negative_prompts, True))
    )
    templates = {TEMPLATE: (made.prompts, prompts), NEGATIVE_TEMPLATE: (made.negative_prompts, negatives)}
    return replace(
        made,
        prompts=prompts,
        negative_prompts=negatives,
        extra={key: texts[0] for key, (texts, written) in templates.items() if written != texts},
        comments=(*made.comments, *comments),
    )


def uses_of(prompt: str) -> tuple[list[Use], list[str]]:
    """The networks that a prompt's tags ask for, and sentences for tags that make no sense."""
    uses, comments = [], []
    for tag in parse_tags(prompt)[1]:
        if tag.kind not in NETWORKS:
            comments.append(f"{str(tag)[:80]} names no kind of network known here; it was left out.")
            continue
        try:
            uses.append(use(tag))
        except PromptError as error:
            comments.append(str(error))
    return uses, comments


def chunker(view: View, find: Find = lambda ids, place: None) -> Chunker:
    """How the options want a text cut into chunks of tokens; `find` tells the embeddings among them."""
    weighs = view.emphasis != "None"
    if view.use_old_emphasis_implementation:
        factors = _bracket_factors() if weighs else {}
        return lambda text: [pack_old(tokenize(text), factors)]

    def chunks(text: str) -> list[Chunk]:
        pieces = parse_attention(text) if weighs else [Weighted(text)]
        return pack(pieces, tokenize, backtrack=view.comma_padding_backtrack, find=find)

    return chunks


@cache
def _bracket_factors() -> dict[int, float]:
    return bracket_factors(vocabulary())


def has_brackets(prompt: str, negative_prompt: str, steps: int, old: bool) -> bool:
    """Whether anything in the prompts could be weighted; the brackets of schedules are none."""
    texts = moments(prompt, steps, old=old) | moments(negative_prompt, steps, negative=True, old=old)
    return any("(" in text or "[" in text for text in texts)


def tells_schedules_apart(prompt: str, negative_prompt: str, steps: int) -> bool:
    """Whether A1111's rule before 1.6 for the times in schedules draws other texts than the one since."""
    return any(
        parse_schedule(text, steps, old=True) != parse_schedule(text, steps) for text in (prompt, negative_prompt)
    )
