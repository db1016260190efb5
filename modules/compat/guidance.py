"""The per-step callbacks: a call of the model as A1111's denoiser would tell of it, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from modules.compat.callbacks import CALLBACKS, AfterCFGCallbackParams, CFGDenoisedParams, CFGDenoiserParams
from modules.generate.batch import Batch
from modules.sampling.guidance import Call, Contexts
from modules.sampling.prediction import Condition


class SamplerFace:
    """`p.sampler`, and the `denoiser` that callbacks get: what of A1111's sampler can be told."""

    def __init__(self, batch: Batch, call: Call | None = None):
        self.batch, self.call = batch, call
        sampler = batch.stage.choice.sampler
        self.config = type("SamplerConfig", (), {"name": sampler.name, "options": sampler.options})()
        self.funcname = f"sample_{sampler.function}"
        self.sampler = self.model_wrap_cfg = self.model_wrap = self
        self.last_latent = None if call is None else call.x
        self.eta, self.s_churn, self.s_noise = batch.plan.view.eta_ancestral, 0.0, 1.0

    @property
    def step(self) -> int:
        """Calls of the model so far."""
        return 0 if self.call is None else self.call.number

    @property
    def total_steps(self) -> int:
        """Calls of the model in all."""
        return self.steps * _order(self.batch)

    @property
    def steps(self) -> int:
        """Steps of the walk, without those that img2img leaves out."""
        return self.batch.stage.taken

    @property
    def p(self) -> Any:
        """The run's."""
        from modules.compat.running import RUNS

        return RUNS.p()

    @property
    def mask(self) -> Any:
        """1 where nothing changes."""
        return None if self.batch.start is None else self.batch.start.kept

    @property
    def nmask(self) -> Any:
        """1 where all does."""
        return None if self.mask is None else 1 - self.mask

    @property
    def init_latent(self) -> Any:
        """What it starts from."""
        return None if self.batch.start is None else self.batch.start.latent


def _order(batch: Batch) -> int:
    """Calls of the model at each step."""
    return 2 if batch.stage.choice.sampler.second_order else 1


def _at(batch: Batch, call: Call) -> tuple[int, int]:
    """(the step that a call is of, the steps in all)"""
    return call.number // _order(batch), batch.stage.taken


def _rows(given: Any, count: int) -> list[Condition]:
    """One condition for each image."""
    return [given] * count if isinstance(given, Condition) else list(given)


def _stacked(rows: Sequence[Condition]) -> Any:
    """`[rows,n,D]`; with the whole text's vector too, A1111's dict for SDXL."""
    longest = max(row.context.shape[1] for row in rows)
    contexts = [
        row.context
        if row.context.shape[1] == longest
        else torch.cat([row.context, row.context[:, -1:].expand(-1, longest - row.context.shape[1], -1)], dim=1)
        for row in rows
    ]
    context = torch.cat(contexts)
    vectors = [row.vector for row in rows if row.vector is not None]
    return context if len(vectors) < len(rows) else {"crossattn": context, "vector": torch.cat(vectors)}


def conds(given: Contexts, count: int = 1) -> tuple[Any, Any]:
    """(text_cond, text_uncond) of a call."""
    parts = [row for part in given.parts for row in _rows(part, count)]
    return _stacked(parts), _stacked(_rows(given.negative, count))


def _unstacked(stacked: Any, rows: Sequence[Condition]) -> list[Condition]:
    """The rows with what became of their tensors."""
    context, vector = (stacked["crossattn"], stacked.get("vector")) if isinstance(stacked, dict) else (stacked, None)
    made = []
    for place, row in enumerate(rows):
        own = context[place : place + 1]
        own_vector = row.vector if vector is None else vector[place : place + 1]
        made.append(replace(row, context=own, vector=own_vector))
    return made


def asking(p: Any, batch: Batch, call: Call) -> None:
    """`on_cfg_denoiser`: x and σ for all rows, cond rows first; changed ones go to the model."""
    if not CALLBACKS.listening("cfg_denoiser"):
        return
    count = len(call.x)
    parts = [row for part in call.given.parts for row in _rows(part, count)]
    negatives = _rows(call.given.negative, count)
    total = len(parts) + len(negatives)
    x = call.x.repeat(total // count, 1, 1, 1)
    sigma = call.sigma.reshape(1).to(call.x.device).expand(total).clone()
    image = call.x.new_zeros((total, 5, 1, 1)) if call.image is None else call.image.repeat(total // count, 1, 1, 1)
    cond, uncond = _stacked(parts), _stacked(negatives)
    before = _copied(cond), _copied(uncond), x.clone()
    face = SamplerFace(batch, call)
    params = CFGDenoiserParams(x, image, sigma, *_at(batch, call), cond, uncond, face)
    CALLBACKS.run("cfg_denoiser", params)
    if not torch.equal(params.x, before[2]):
        call.x = params.x[:count]
    if float(params.sigma[0]) != float(call.sigma):
        call.sigma = params.sigma[0].to(call.sigma)
    if not (_alike(params.text_cond, before[0]) and _alike(params.text_uncond, before[1])):
        rows = _unstacked(params.text_cond, parts)
        grouped = [rows[start : start + count] for start in range(0, len(rows), count)]
        call.given = replace(call.given, parts=grouped, negative=_unstacked(params.text_uncond, negatives))


def _copied(value: Any) -> Any:
    return {key: one.clone() for key, one in value.items()} if isinstance(value, dict) else value.clone()


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_alike(value, other[key]) for key, value in one.items())
    return one.shape == other.shape and torch.equal(one, other)


def answered(p: Any, batch: Batch, call: Call) -> None:
    """`on_cfg_denoised`: x₀ of all rows, cond rows first."""
    if not CALLBACKS.listening("cfg_denoised"):
        return
    answers: list[Tensor] = [*call.conds, *([] if call.uncond is None else [call.uncond])]
    params = CFGDenoisedParams(torch.cat(answers), *_at(batch, call), batch.model.unet)
    CALLBACKS.run("cfg_denoised", params)
    made = list(params.x.chunk(len(answers)))
    call.conds = made[: len(call.conds)]
    if call.uncond is not None:
        call.uncond = made[-1]


def guided(p: Any, batch: Batch, call: Call) -> None:
    """`on_cfg_after_cfg`: x₀."""
    if not CALLBACKS.listening("cfg_after_cfg"):
        return
    params = AfterCFGCallbackParams(call.denoised, *_at(batch, call))
    CALLBACKS.run("cfg_after_cfg", params)
    call.denoised = params.x
