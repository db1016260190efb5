"""What trades accuracy for speed, and what keeps pictures of older versions reproducible."""

from dataclasses import dataclass

from modules.declare import Range, param

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Vae:
    """VAE: what turns latents into pixels."""

    sd_vae: str = param("Automatic", "SD VAE", choices="vaes", doc="Automatic: the file beside the checkpoint, else its own. None: its own.")
    sd_vae_overrides_per_model_preferences: bool = param(True, "Selected VAE overrides per-model preferences",
                                                         doc="Else a VAE beside the checkpoint or in its notes goes first.")
    auto_vae_precision: bool = param(True, "Automatically revert VAE to 32-bit floats",
                                     doc="When a picture comes out as no numbers, decode it again with more bits; --no-half-vae always does.")
    auto_vae_precision_bfloat16: bool = param(False, "Automatically convert VAE to bfloat16", doc="In place of 32 bits: smaller, and of the same range.")
    sd_vae_encode_method: str = param("Full", "VAE type for encode", choices=("Full", "TAESD"), infotext="VAE Encoder", absent="Full",
                                      doc="What turns images into latents in img2img, hires fix and inpainting.")
    sd_vae_decode_method: str = param("Full", "VAE type for decode", choices=("Full", "TAESD"), infotext="VAE Decoder", absent="Full",
                                      doc="TAESD is many times faster and slightly worse; its files belong into models/VAE-approx.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Optimizations:
    """Optimizations."""

    s_min_uncond: float = param(0.0, "Negative Guidance minimum sigma", slider=Range(0, 15, 0.01), valid=Range(0, 10000), infotext="NGMS", absent=0,
                                doc="Skip the negative prompt at every other step once the noise is below this; 0 = never.")
    s_min_uncond_all: bool = param(False, "Negative Guidance minimum sigma all steps", infotext="NGMS all steps", absent=False,
                                   doc="The same at every step; faster, and further from the full picture.")
    skip_early_cond: float = param(0.0, "Ignore negative prompt during early sampling", slider=Range(0, 1, 0.01), valid=Range(0, 1),
                                   infotext="Skip Early CFG", absent=0, doc="The share of the first steps that go without the negative prompt.")
    token_merging_ratio: float = param(0.0, "Token merging ratio", slider=Range(0, 0.9, 0.1), valid=Range(0, 0.9), infotext="Token merging ratio", absent=0,
                                       doc="Share of alike picture tokens computed as one in self-attention; faster on large pictures, and changes them.")
    pad_cond_uncond: bool = param(False, "Pad prompt/negative prompt", infotext="Pad conds", absent=False,
                                  doc="Faster when prompt and negative prompt have different lengths; changes such pictures.")
    pad_cond_uncond_v0: bool = param(False, "Pad prompt/negative prompt (v0)", infotext="Pad conds v0", absent=False,
                                     doc="In place of the above, as A1111 had it for DDIM and PLMS before 1.6; cuts off a negative prompt that is longer.")
    token_merging_ratio_img2img: float = param(0.0, "Token merging ratio for img2img", slider=Range(0, 0.9, 0.1), valid=Range(0, 0.9),
                                               doc="0 = the ratio above.")
    token_merging_ratio_hr: float = param(0.0, "Token merging ratio for high-res pass", slider=Range(0, 0.9, 0.1), valid=Range(0, 0.9),
                                          infotext="Token merging ratio hr", absent=0, doc="0 = the ratio above.")
    fp8_storage: str = param("Disable", "FP8 weight", choices=("Disable", "Enable for SDXL", "Enable"), infotext="FP8 weight", absent="Disable",
                             doc="Keep the network's weights in 8 bits: half the memory, slightly other pictures.")
    lora_functional: bool = param(False, "Lora/Networks: use old method that takes longer when you have multiple Loras active and produces same results as kohya-ss/sd-webui-additional-networks extension",
                                  doc="Adds to the layers' answers instead of changing their weights.")
    lora_in_memory_limit: int = param(1, "Number of Lora networks to keep cached in memory", slider=Range(0, 100), valid=Range(0, 10000),
                                      doc="Beside those in use.")
    batch_cond_uncond: bool = param(True, "Batch cond/uncond", doc="Both halves of the guidance in one model call; uses more memory and is faster.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Compatibility:
    """Compatibility."""

    auto_backcompat: bool = param(True, "Automatic backward compatibility",
                                  doc="Switch the options below as a pasted infotext needs them that says it is from an older A1111.")
    use_old_emphasis_implementation: bool = param(False, "Use old emphasis implementation. Can be useful to reproduce old seeds.")
    use_old_scheduling: bool = param(False, "Use old prompt editing timelines.", infotext="Old prompt editing timelines", absent=False,
                                     doc="Times in [a:b:when] as before 1.6: below 1 a share of the steps, else a step, whatever the pass.")
    use_old_karras_scheduler_sigmas: bool = param(False, "Use old karras scheduler sigmas (0.1 to 10).")
    no_dpmpp_sde_batch_determinism: bool = param(False, "Do not make DPM++ SDE deterministic across different batch sizes.",
                                                 doc="One noise for the whole batch: an image in it is not what its seed gives alone.")
    use_downcasted_alpha_bar: bool = param(False, "Downcast model alphas_cumprod to fp16 before sampling", infotext="Downcast alphas_cumprod", absent=False,
                                           doc="For reproducing pictures made before 1.7.")
    refiner_switch_by_sample_steps: bool = param(False, "Switch to refiner by sampling steps instead of model timesteps",
                                                 infotext="Refiner switch by sampling steps", absent=False, doc="For reproducing pictures made before 1.8.")


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeU:
    """FreeU: the UNet's deep features stronger, its skip connections weaker in low frequencies (Si et al. 2023, arXiv 2309.11497)."""

    freeu: bool = param(False, "FreeU", infotext="FreeU", absent=False, doc="Often clearer pictures at no cost.")
    freeu_b1: float = param(1.5, "FreeU b1", slider=Range(1, 2, 0.01), valid=Range(0, 4), infotext="FreeU b1", absent=1.5)
    freeu_b2: float = param(1.6, "FreeU b2", slider=Range(1, 2, 0.01), valid=Range(0, 4), infotext="FreeU b2", absent=1.6)
    freeu_s1: float = param(0.9, "FreeU s1", slider=Range(0, 1, 0.01), valid=Range(0, 4), infotext="FreeU s1", absent=0.9)
    freeu_s2: float = param(0.2, "FreeU s2", slider=Range(0, 1, 0.01), valid=Range(0, 4), infotext="FreeU s2", absent=0.2)
