"""Prompts into the tensors that steer the UNet, at each of its calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from modules.generate.long import Long
from modules.generate.stages import Stage
from modules.generate.wording import chunker
from modules.prompts.chunks import LENGTH, Chunk, Find, Vocabulary
from modules.prompts.composition import parse_composition
from modules.prompts.networks import parse_tags
from modules.prompts.schedule import Step, parse_schedule
from modules.sampling.guidance import Contexts
from modules.sampling.prediction import Condition
from modules.settings.options import View
from modules.weights.arch import SIZE
from modules.weights.text import TextEncoder

Asked = tuple[list[tuple[int, ...]], int, tuple[tuple[tuple[int, str], ...], ...]]  # token ids, clip skip, learnt words


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One part of a prompt through all calls: `conditions[i]`, of one row, holds up to call `untils[i]`."""

    untils: tuple[int, ...]
    conditions: tuple[Condition, ...]
    weight: float = 1.0

    @property
    def length(self) -> int:
        """n, the same at all calls."""
        return self.conditions[0].context.shape[1]

    def at(self, call: int) -> Condition:
        """The condition for the model's call number `call`, counted from 0; after the last `until`, the first again.

        The latter is A1111's, and befalls a sampler that makes more calls than its steps say (DPM adaptive).
        """
        timed = zip(self.untils, self.conditions, strict=True)
        return next((condition for until, condition in timed if call <= until), self.conditions[0])

    def changed(self, change: Callable[[Tensor], Tensor]) -> Scheduled:
        """With every context changed."""
        made = tuple(replace(one, context=change(one.context)) for one in self.conditions)
        return Scheduled(self.untils, made, self.weight)

    def stretched(self, length: int) -> Scheduled:
        """Of another length: cut, or the last vector repeated."""
        extra = max(0, length - self.length)
        return self.changed(lambda z: torch.cat([z[:, :length], z[:, -1:].expand(-1, extra, -1)], dim=1))


@dataclass(frozen=True, slots=True)
class Prompted:
    """What steers one image: the parts of its prompt, all of one length, and its negative prompt.

    `padded`: one of the two was made as long as the other, as the options want it.
    """

    parts: tuple[Scheduled, ...]
    negative: Scheduled
    padded: bool = False
    words: tuple[str, ...] = ()  # the embeddings read, the last ones first, once for each text and text encoder

    def of_parts(self, count: int) -> Prompted:
        """With parts of no weight up to a count, so that images of one batch have the same number."""
        missing = count - len(self.parts)
        return replace(self, parts=(*self.parts, *[replace(self.parts[0], weight=0.0)] * missing)) if missing else self


@dataclass(frozen=True, slots=True)
class Steering:
    """What steers the images of a batch; one object for all of those that have the same prompts."""

    images: tuple[Prompted, ...]

    def at(self, call: int) -> Contexts:
        """What the model is given at its call number `call`."""
        first = self.images[0]
        negative = first.negative.at(call)
        if all(image is first for image in self.images):
            return Contexts([part.at(call) for part in first.parts], [part.weight for part in first.parts], negative)
        columns = list(zip(*(image.parts for image in self.images), strict=True))
        return Contexts(
            [[part.at(call) for part in column] for column in columns],
            [negative.context.new_tensor([part.weight for part in column]).view(-1, 1, 1, 1) for column in columns],
            [image.negative.at(call) for image in self.images],
        )


class Conditioner:
    """Reads prompts with a model's text encoders, as the options want them read."""

    def __init__(
        self,
        towers: Sequence[TextEncoder],
        view: View,
        stage: Stage,
        find: Find = lambda ids, place: None,
        sizes: int = 0,
        long: Long | None = None,
        guidance: float | None = None,
    ):
        """`find` tells the embeddings among tokens. `sizes`: how many follow the pooled text, see `size_vector`.

        `guidance`: the CFG scale that a distilled model is told.
        """
        self._towers = towers
        self._long = long
        self._guidance = guidance
        self._view = view
        self._stage = stage
        self._chunks = chunker(view, find)
        self._sizes = sizes
        self._words: list[str] = []

    def steering(self, prompts: Sequence[str], negative_prompts: Sequence[str]) -> Steering:
        """What steers a batch of images with these prompts; equal ones are read once."""
        pairs = list(zip(prompts, negative_prompts, strict=True))
        read = {pair: self._prompted(*pair) for pair in dict.fromkeys(pairs)}
        most = max(len(image.parts) for image in read.values())
        return Steering(tuple(read[pair].of_parts(most) for pair in pairs))

    def _prompted(self, prompt: str, negative_prompt: str) -> Prompted:
        """AND and network tags are text in a negative prompt, as in A1111."""
        self._words = []
        negative = self._scheduled(negative_prompt, negative=True)
        written = parse_composition(parse_tags(prompt)[0])
        parts = [self._scheduled(part.text, part.weight) for part in written]
        longest = max(part.length for part in parts)
        parts = [part.stretched(longest) for part in parts]
        return self._padded(Prompted(tuple(parts), negative, words=tuple(self._words)))

    def _padded(self, image: Prompted) -> Prompted:
        """Both prompts of one length where the options want that: by empty chunks, or as A1111 once did."""
        view, negative, wanted = self._view, image.negative, image.parts[0].length
        if self._long is not None or negative.length == wanted or not (view.pad_cond_uncond or view.pad_cond_uncond_v0):
            return image
        if view.pad_cond_uncond_v0:
            return replace(image, negative=negative.stretched(wanted), padded=True)
        longer = max(wanted, negative.length)
        parts = tuple(self._filled(part, longer) for part in image.parts)
        return replace(image, parts=parts, negative=self._filled(negative, longer), padded=True)

    def _filled(self, part: Scheduled, length: int) -> Scheduled:
        empty = self._context([[EMPTY]])
        missing = (length - part.length) // empty.shape[1]
        return part.changed(lambda z: torch.cat([z, *[empty] * missing], dim=1))

    def _scheduled(self, text: str, weight: float = 1.0, negative: bool = False) -> Scheduled:
        calls, before, old = self._stage.calls, self._stage.after, self._view.use_old_scheduling
        entries = parse_schedule(text, calls, None, old) if before is None else parse_schedule(text, before, calls, old)
        return Scheduled(tuple(entry.until for entry in entries), self._conditions(entries, negative), weight)

    def _conditions(self, entries: list[Step], negative: bool) -> tuple[Condition, ...]:
        """All entries together, for the emphasis is balanced over all of them.

        For SDXL a negative prompt that is nothing at all is zeros, but for the sizes.
        """
        texts = dict.fromkeys(entry.text for entry in entries)
        packed = {text: self._chunks(text) for text in texts}
        longest = max(len(chunks) for chunks in packed.values())
        filled = {text: [*chunks, *[EMPTY] * (longest - len(chunks))] for text, chunks in packed.items()}
        columns = [[filled[entry.text][i] for entry in entries] for i in range(longest)]
        words = dict.fromkeys(name for column in columns for chunk in column for _, name in chunk.words)
        self._words = [*words] * len(self._towers) + self._words
        context, pooled = self._context(columns), self._pooled(columns[0])
        if self._long is not None:
            context = self._long.after(context, [entry.text for entry in entries], self._view.emphasis)
        if pooled is None:
            return tuple(Condition(one) for one in context.chunk(len(entries)))
        if self._sizes:
            if negative and not any(texts):
                context, pooled = torch.zeros_like(context), torch.zeros_like(pooled)
            sizes = size_vector(self._view, self._stage, negative, self._sizes).to(pooled)
            pooled = torch.cat([pooled, sizes.expand(len(pooled), -1)], dim=1)
        guidance = None if self._guidance is None else pooled.new_tensor([self._guidance])
        return tuple(
            Condition(one, whole, guidance=guidance)
            for one, whole in zip(context.chunk(len(entries)), pooled.chunk(len(entries)), strict=True)
        )

    def _context(self, columns: list[list[Chunk]]) -> Tensor:
        """`[entries, 77·columns, D]`: chunk after chunk, of all text encoders side by side; D is 0 if none counts."""
        beside = [tower for tower in self._towers if tower.beside]
        towers = [torch.cat([self._column(tower, column) for column in columns], dim=1) for tower in beside]
        if not towers:
            return torch.zeros(len(columns[0]), len(EMPTY.tokens) * len(columns), 0, device=self._towers[0].device)
        return torch.cat(towers, dim=2)

    def _column(self, tower: TextEncoder, column: list[Chunk]) -> Tensor:
        asked, places = self._distinct(column)
        z = tower.encode(*asked)[places]
        emphasis = self._view.emphasis
        return z if emphasis == "Ignore" else emphasise(z, column, balanced=emphasis == "Original")

    def _pooled(self, column: list[Chunk]) -> Tensor | None:
        """`[entries,P]`, never weighted, of the text encoders that have it."""
        asked, places = self._distinct(column)
        answers = (tower.pooled(*asked) for tower in self._towers)
        found = [pooled[places] for pooled in answers if pooled is not None]
        return torch.cat(found, dim=1) if found else None

    def _distinct(self, column: list[Chunk]) -> tuple[Asked, list[int]]:
        """What text encoders are asked, and which answer is for which chunk: alternations come round and round."""
        places = {chunk: place for place, chunk in enumerate(dict.fromkeys(column))}
        asked = [chunk.tokens for chunk in places], self._view.CLIP_stop_at_last_layers, tuple(c.words for c in places)
        return asked, [places[chunk] for chunk in column]


def size_vector(view: View, stage: Stage, negative: bool, count: int) -> Tensor:
    """`[1, 256·count]`: what SDXL is told beside the text (Podell et al. 2023, arXiv 2307.01952, section 2.2).

    Six numbers: height and width, once as of the picture it was cut from, its top and left, height and width again.
    Five, for the refiner: the last two are one aesthetic score instead.
    """
    size = float(stage.height), float(stage.width)
    crop = float(view.sdxl_crop_top), float(view.sdxl_crop_left)
    score = view.sdxl_refiner_low_aesthetic_score if negative else view.sdxl_refiner_high_aesthetic_score
    told = torch.tensor([*size, *crop, *(size if count == 6 else (float(score),))])
    half = SIZE // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half) / half)
    angles = told[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1).reshape(1, -1)


EMPTY = Chunk(
    (Vocabulary().start, *[Vocabulary().end] * (LENGTH + 1)),
    (1.0,) * (LENGTH + 2),
)


def emphasise(z: Tensor, chunks: list[Chunk], balanced: bool = True) -> Tensor:
    """Scale each token's hidden state in `[B,77,D]` by its weight; `balanced`: then all, back to the mean they had."""
    weights = torch.tensor([chunk.weights for chunk in chunks], dtype=z.dtype, device=z.device)
    if (weights == 1).all():
        return z
    scaled = z * weights[..., None]
    return scaled * (z.mean() / scaled.mean()) if balanced else scaled
