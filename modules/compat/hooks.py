"""A1111's hooks on the engine's: `p` is made, each script's hook and each callback is called, and `p` is read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from modules.compat import axes
from modules.compat.binding import app
from modules.compat.blame import BLAME
from modules.compat.callbacks import CALLBACKS, ExtraNoiseParams, ImageSaveParams, lay_out
from modules.compat.processed import Processed, of_result, result_of
from modules.compat.processing import of_request, request_of, take
from modules.compat.readback import lists_of, told, told_by
from modules.compat.registry import REGISTRY
from modules.compat.running import RUNS
from modules.compat.script import (
    MaskBlendArgs,
    PostprocessBatchListArgs,
    PostprocessImageArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
)
from modules.generate.hooks import Blend, Hooks, Layout, Noising, Saving
from modules.generate.plan import Plan
from modules.generate.plan import plan as make_plan
from modules.generate.request import Img2Img
from modules.generate.result import Result

if TYPE_CHECKING:
    from torch import Tensor

    from modules.generate.batch import Batch
    from modules.generate.source import Source
    from modules.sampling.guidance import Call

Draw = Callable[[Plan], Result]


def _guidance() -> Any:
    """What needs torch, imported once a run is under way."""
    from modules.compat import guidance

    return guidance


CALLS = {"asking": "cfg_denoiser", "answered": "cfg_denoised", "guided": "cfg_after_cfg"}  # which cost time at each


class ScriptHooks(Hooks):
    """The hooks of one run. Without a `p` it makes one of the plan; a `p` handed in is an extension's own."""

    def __init__(self, p: Any = None, args: list[Any] | None = None):
        self.p = p
        self.own = p is not None
        self.args = args
        self.processed: Processed | None = None
        self._number = 0
        self._running = False
        self._texts: dict[str, str] = {}  # of the picture being saved

    # The whole job

    def instead(self, plan: Plan, draw: Draw) -> Result | None:
        """A selectable script makes the pictures, if one is chosen."""
        if self.own:
            return None
        self._begin(plan)
        args = self.p.script_args
        if not args or not args[0]:
            return None
        RUNS.stack.append((self.p, plan))
        try:
            processed = self.p.scripts.run(self.p, *args)
        finally:
            RUNS.stack.pop()
        if processed is None:
            return None
        empty = Result(
            plan=plan,
            pictures=(),
            grid=None,
            model_name=plan.checkpoint.model_name,
            model_hash=plan.checkpoint.short_hash,
            extra=dict(told(self.p.extra_generation_params)),
            seconds=0.0,
        )
        self.processed = processed
        return replace(result_of(processed, empty), comments=self._comments())

    def begin(self, plan: Plan) -> Plan:
        """`before_process` on what was asked, then `process` on what is decided."""
        self._begin(plan)
        p = self.p
        RUNS.stack.append((p, plan))
        self._running = True
        self._each("setup")
        self._each("before_process")
        plan = self._planned_anew(plan)
        RUNS.stack[-1] = (p, plan)
        take(p, replace(plan.request, seed=plan.seeds[0], subseed=plan.subseeds[0]))
        lists_of(p, plan)
        self._each("process")
        plan = told_by(p, plan)
        RUNS.stack[-1] = (p, plan)
        return plan

    def finished(self, result: Result) -> Result:
        """`postprocess`, with the pictures as Processed."""
        processed = of_result(self.p, result)
        self._each("postprocess", processed)
        self.processed = processed
        comments = self._comments()
        self.close()
        made = result_of(processed, result)
        return replace(
            made,
            extra=made.extra | told(self.p.extra_generation_params),
            comments=tuple(dict.fromkeys([*made.comments, *comments])),
        )

    def close(self) -> None:
        """The run is over, however it ended."""
        if self._running:
            self._running = False
            RUNS.stack.pop()
            if not RUNS.stack:
                BLAME.end()

    def _begin(self, plan: Plan) -> None:
        if not RUNS.stack:
            BLAME.begin(app().queue.current)
        if self.p is None:
            self.p = of_request(plan.request)
            self.p.scripts = REGISTRY.img2img if isinstance(plan.request, Img2Img) else REGISTRY.txt2img
            self.p.script_args = self.args if self.args is not None else self.p.scripts.defaults()
            axes.apply(self.p, plan.request)

    def _planned_anew(self, plan: Plan) -> Plan:
        wanted = request_of(self.p)
        if self.own or wanted == plan.request:
            return plan if wanted == plan.request else self._plan(wanted)
        return self._plan(wanted)

    def _plan(self, request: Any) -> Plan:
        program = app()
        return make_plan(request, program.options, program.library, program.sources)

    def _each(self, hook: str, *args: Any, **words: Any) -> None:
        runner = self.p.scripts
        if runner is not None:
            runner.each(hook, self.p, *args, **words)

    def _listens(self, *hooks: str) -> bool:
        runner = self.p.scripts if self.p is not None else None
        return runner is not None and runner.listens(*hooks)

    def _comments(self) -> tuple[str, ...]:
        return (*BLAME.comments(), *self.p.comments)

    # A batch

    def next_batch(self, plan: Plan, number: int) -> Plan:
        """`before_process_batch` and `process_batch`, with the prompts and seeds of the batch."""
        p, size = self.p, plan.request.batch_size
        first, last = number * size, (number + 1) * size
        p.iteration, self._number = number, number
        p.prompts, p.negative_prompts = p.all_prompts[first:last], p.all_negative_prompts[first:last]
        p.seeds, p.subseeds = p.all_seeds[first:last], p.all_subseeds[first:last]
        if getattr(p, "all_hr_prompts", None):
            p.hr_prompts = p.all_hr_prompts[first:last]
            p.hr_negative_prompts = p.all_hr_negative_prompts[first:last]
        self._each("before_process_batch", **self._batch_words())
        self._each("process_batch", **self._batch_words())
        changes = {
            "all_prompts": p.prompts,
            "all_negative_prompts": p.negative_prompts,
            "all_seeds": p.seeds,
            "all_subseeds": p.subseeds,
            "all_hr_prompts": getattr(p, "hr_prompts", None),
            "all_hr_negative_prompts": getattr(p, "hr_negative_prompts", None),
        }
        for name, values in changes.items():
            whole = getattr(p, name, None)
            if values and whole:
                whole[first:last] = [*values, *whole[first + len(values) : last]]
        plan = told_by(p, plan)
        RUNS.stack[-1] = (p, plan)
        return plan

    def _batch_words(self) -> dict[str, Any]:
        p = self.p
        return {"batch_number": self._number, "prompts": p.prompts, "seeds": p.seeds, "subseeds": p.subseeds}

    def source_made(self, plan: Plan, source: Source) -> None:
        """img2img: the mask as it is laid over."""
        self.p.init_images = list(source.images)
        self.p.mask_for_overlay = source.mask
        self.p.overlay_images = list(source.over)

    def batch_made(self, batch: Batch) -> None:
        """`after_extra_networks_activate`; what of the model `p` tells."""
        p, model = self.p, batch.model.checkpoint
        p.sd_model_name, p.sd_model_hash = model.model_name, model.short_hash
        p.is_hr_pass, p.rng = False, batch.noise
        p.sampler = _guidance().SamplerFace(batch)
        if batch.start is not None:
            p.init_latent = batch.start.latent
            if batch.start.kept is not None:
                p.mask, p.nmask = batch.start.kept, 1 - batch.start.kept
        self._each("after_extra_networks_activate", **self._batch_words(), extra_network_data={})

    def before_hires(self, first: Batch, second: Batch) -> None:
        """`before_hr`."""
        self.p.is_hr_pass = True
        self.p.latents_after_sampling = [] if first.latent is None else list(first.latent)
        self._each("before_hr")

    def more_noise(self, batch: Batch, noising: Noising) -> Tensor:
        """`on_extra_noise`."""
        params = ExtraNoiseParams(noising.noise, noising.latent, noising.noisy)
        CALLBACKS.run("extra_noise", params)
        noise: Tensor = params.noise
        return noise

    def before_sampling(self, batch: Batch, x: Tensor) -> Tensor:
        """`process_before_every_sampling`."""
        self.p.is_hr_pass = batch.stage.after is not None
        self.p.sampler = _guidance().SamplerFace(batch)
        if self._listens("process_before_every_sampling"):
            c, uc = _guidance().conds(batch.contexts(0))
            self._each("process_before_every_sampling", x=x, noise=x, c=c, uc=uc)
        return x

    def blend(self, batch: Batch, blend: Blend) -> Tensor:
        """`on_mask_blend`."""
        made = super().blend(batch, blend)
        if not self._listens("on_mask_blend"):
            return made
        held = MaskBlendArgs(
            current_latent=blend.drawn,
            nmask=1 - blend.share,
            init_latent=blend.kept,
            mask=blend.share,
            blended_latent=made,
            denoiser=None if blend.sigma is None else self.p.sampler,
            sigma=blend.sigma,
        )
        self._each("on_mask_blend", held)
        blended: Tensor = held.blended_latent
        return blended

    def sampled(self, batch: Batch) -> None:
        """`post_sample`, after the last walk."""
        if batch.latent is not None and batch.stage is batch.plan.stages[-1] and self._listens("post_sample"):
            held = PostSampleArgs(batch.latent)
            self._each("post_sample", held)
            batch.latent = held.samples

    def decoded(self, batch: Batch, pictures: Tensor) -> Tensor:
        """`postprocess_batch` and `postprocess_batch_list`."""
        if not self._listens("postprocess_batch", "postprocess_batch_list"):
            return pictures
        import torch

        made = pictures.float().clone()
        self._each("postprocess_batch", batch_number=self._number, images=made)
        held = PostprocessBatchListArgs(list(made))
        self._each("postprocess_batch_list", held, batch_number=self._number)
        return torch.stack([one.to(made) for one in held.images]) if held.images else made

    # A picture

    def drawn(self, batch: Batch, index: int, image: Image.Image) -> Image.Image:
        """`postprocess_image`."""
        self.p.batch_index = index
        held = PostprocessImageArgs(image, index)
        self._each("postprocess_image", held)
        made: Image.Image = held.image
        return made

    def overlaying(self, batch: Batch, index: int, over: Image.Image) -> Image.Image:
        """`postprocess_maskoverlay`."""
        held = PostProcessMaskOverlayArgs(index, self.p.mask_for_overlay, over)
        self._each("postprocess_maskoverlay", held)
        made: Image.Image = held.overlay_image
        return made

    def composed(self, batch: Batch, index: int, image: Image.Image) -> Image.Image:
        """`postprocess_image_after_composite`; then what `p` wants told is told."""
        held = PostprocessImageArgs(image, index)
        self._each("postprocess_image_after_composite", held)
        batch.told[min(index, len(batch.told) - 1)].update(told(self.p.extra_generation_params))
        made: Image.Image = held.image
        return made

    def laying_out(self, plan: Plan, layout: Layout) -> None:
        """`on_image_grid`."""
        if CALLBACKS.listening("image_grid"):
            layout.images, layout.rows, layout.cols = lay_out(layout.images, layout.rows, layout.cols)

    def saving(self, plan: Plan, saving: Saving) -> None:
        """The callback before a picture is saved."""
        if CALLBACKS.listening("before_image_saved"):
            suffix = f".{plan.view.samples_format}"
            path = saving.folder / f"{saving.name}{suffix}"
            params = ImageSaveParams(saving.image, self.p, str(path), saving.texts)
            CALLBACKS.run("before_image_saved", params)
            saving.image, saving.texts = params.image, params.pnginfo
            if params.filename != str(path):
                changed = Path(params.filename)
                saving.folder, saving.name = changed.parent, changed.name.removesuffix(suffix)
        self._texts = dict(saving.texts)

    def saved(self, plan: Plan, saving: Saving) -> None:
        """The callback after."""
        if CALLBACKS.listening("image_saved"):
            CALLBACKS.run("image_saved", ImageSaveParams(saving.image, self.p, str(saving.path), dict(self._texts)))

    def overrides(self, name: str) -> bool:
        """Single calls of the model are told of where somebody listens by then: scripts begin to in `process`."""
        return CALLBACKS.listening(CALLS[name]) if name in CALLS else super().overrides(name)

    def asking(self, batch: Batch, call: Call) -> None:
        """`on_cfg_denoiser`."""
        _guidance().asking(self.p, batch, call)

    def answered(self, batch: Batch, call: Call) -> None:
        """`on_cfg_denoised`."""
        _guidance().answered(self.p, batch, call)

    def guided(self, batch: Batch, call: Call) -> None:
        """`on_cfg_after_cfg`."""
        _guidance().guided(self.p, batch, call)
