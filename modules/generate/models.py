"""The models of one job: loaded, altered as its options want, and reading its prompts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from modules.generate.conditioning import Conditioner
from modules.generate.long import Long
from modules.generate.plan import Plan
from modules.generate.stages import Stage
from modules.generate.wording import uses_of
from modules.jobs.progress import Progress
from modules.settings.options import View
from modules.weights.alterations import Alterations
from modules.weights.cache import Cache
from modules.weights.library import Checkpoint
from modules.weights.loader import Model
from modules.weights.networks.store import Hypernetworks, Store, Worn


@dataclass(frozen=True, slots=True)
class Ready:
    """A model as one batch wants it, the conditioner of its text encoder, and the networks' infotext pairs."""

    model: Model
    conditioner: Conditioner
    told: dict[str, str]


class Models:
    """Gives checkpoints' models ready for the plan's pictures. `comments` are sentences on what could not be done."""

    def __init__(self, plan: Plan, cache: Cache, networks: Store, progress: Progress):
        self.comments: dict[str, None] = {}
        self._plan = plan
        self._cache = cache
        self._networks = networks
        self._progress = progress

    def get(self, stage: Stage, prompt: str, refiner: Checkpoint | None = None) -> Ready:
        """Load the stage's checkpoint, or the refiner, if need be, and put on the networks that the prompt names.

        What was got before holds no longer.
        """
        plan = self._plan
        self._progress.say("Loading the checkpoint")
        among = len({one.checkpoint.path for one in plan.stages}) + (plan.refiner is not None)
        model = self._cache.get(refiner or stage.checkpoint, among, plan.view.fp8_storage)
        self._progress.say("")
        uses, comments = ([], []) if plan.request.disable_extra_networks else uses_of(prompt)
        worn = self._networks.put_on(model, uses, plan.view.lora_functional)
        vae = self._put_vae(model)
        self.comments |= dict.fromkeys([*comments, *worn.comments, *vae.comments])
        model.altered.apply(_wanted(plan.view, stage, worn.hypernetworks))
        words = self._networks.teach(model, worn.bundled)
        towers = list(model.towers.values())
        arch = model.arch
        conditioner = Conditioner(
            towers,
            plan.view,
            stage,
            words.find,
            arch.sizes,
            Long(model.t5, arch.width, arch.least) if arch.t5_prefix else None,
            plan.request.distilled_cfg_scale if arch.guided else None,
        )
        return Ready(model, conditioner, {**self._vae_told(vae), **worn.told})

    def _put_vae(self, model: Model) -> Worn:
        view = self._plan.view
        methods = {"encoder": view.sd_vae_encode_method, "decoder": view.sd_vae_decode_method}
        other = torch.bfloat16 if view.auto_vae_precision_bfloat16 else torch.float32
        model.vae.rescue = other if view.auto_vae_precision or view.auto_vae_precision_bfloat16 else None
        quick = [half for half, method in methods.items() if method == "TAESD"]
        return self._networks.put_vae(model, view.sd_vae, view.sd_vae_overrides_per_model_preferences, quick)

    def _vae_told(self, vae: Worn) -> dict[str, str]:
        view = self._plan.view
        said = {"VAE hash": view.add_vae_hash_to_info, "VAE": view.add_vae_name_to_info}
        return {key: text for key, text in vae.told.items() if text and said[key]}

    def word_hashes(self, names: Iterable[str]) -> str | None:
        """The infotext's account of the embeddings used."""
        found = [(name, self._networks.embedding_hash(name)) for name in names]
        return ", ".join(f"{name}: {digits}" for name, digits in found if digits) or None


def _wanted(view: View, stage: Stage, hypernetworks: Hypernetworks) -> Alterations:
    over = view.token_merging_ratio_hr if stage.after is not None else view.token_merging_ratio_img2img
    merging = (over if stage.strength is not None else 0) or view.token_merging_ratio
    return Alterations(
        hypernetworks=hypernetworks,
        tiling=view.tiling,
        merging=merging,
        freeu=(view.freeu_b1, view.freeu_b2, view.freeu_s1, view.freeu_s2) if view.freeu else None,
    )
