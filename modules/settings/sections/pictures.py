"""What decides the picture beside the request itself."""

from dataclasses import dataclass

from modules.declare import Range, param

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class StableDiffusion:
    """Stable Diffusion."""

    sd_model_checkpoint: str = param("", "Stable Diffusion checkpoint", choices="checkpoints")
    sd_checkpoints_limit: int = param(1, "Maximum number of checkpoints loaded at the same time", slider=Range(1, 10), valid=Range(1, 100))
    sd_checkpoints_keep_in_cpu: bool = param(True, "Only keep one model on device", doc="The others of those above wait in main memory.")
    sd_checkpoint_cache: int = param(0, "Checkpoints to cache in RAM", slider=Range(0, 10), valid=Range(0, 100), doc="Beside the one in use.")
    checkpoints_memory: float = param(0.0, "Memory that checkpoints may take, in GiB", slider=Range(0, 128, 0.5), valid=Range(0, 10000),
                                      doc="The oldest go first; 0 = as much as is free.")
    CLIP_stop_at_last_layers: int = param(1, "Clip skip", slider=Range(1, 12), valid=Range(1, 12), infotext="Clip skip", token="clip_skip",
                                          absent=1, doc="Ignore the last layers of the CLIP network; 1 ignores none, 2 ignores one layer.")
    randn_source: str = param("NV", "Random number generator source", choices=("GPU", "CPU", "NV"), infotext="RNG", absent="GPU",
                              doc="Changes seeds drastically; NV gives an NVIDIA card's numbers on every device.")
    tiling: bool = param(False, "Tiling", infotext="Tiling", absent=False, doc="Produce pictures that can be laid side by side without a seam.")


@dataclass(frozen=True, kw_only=True, slots=True)
class StableDiffusionXL:
    """Stable Diffusion XL: what it is told beside the prompt."""

    sdxl_crop_top: int = param(0, "crop top coordinate", valid=Range(0, 16384), doc="As if this much had been cut off; 0 gives centred pictures.")
    sdxl_crop_left: int = param(0, "crop left coordinate", valid=Range(0, 16384))
    sdxl_refiner_low_aesthetic_score: float = param(2.5, "SDXL low aesthetic score", valid=Range(0, 100), doc="Told to the refiner with the negative prompt.")
    sdxl_refiner_high_aesthetic_score: float = param(6.0, "SDXL high aesthetic score", valid=Range(0, 100), doc="Told to the refiner with the prompt.")


@dataclass(frozen=True, kw_only=True, slots=True)
class OverPictures:
    """img2img: pictures drawn over other ones, the hires pass included."""

    inpainting_mask_weight: float = param(1.0, "Inpainting conditioning mask strength", slider=Range(0, 1, 0.01), valid=Range(0, 1), infotext="Conditional mask weight", absent=1,
                                          doc="For inpainting models: how much of what is masked is hidden from the model.")
    initial_noise_multiplier: float = param(1.0, "Noise multiplier for img2img", slider=Range(0, 1.5, 0.001), valid=Range(0, 10), infotext="Noise multiplier", absent=1)
    img2img_extra_noise: float = param(0.0, "Extra noise multiplier for img2img and hires fix", slider=Range(0, 1, 0.01), valid=Range(0, 10), infotext="Extra noise", absent=0,
                                       doc="0 = none; should be below the denoising strength.")
    img2img_color_correction: bool = param(False, "Apply color correction to img2img results to match original colors")
    img2img_fix_steps: bool = param(False, "With img2img, do exactly the amount of steps the slider specifies", doc="Normally fewer are done with less denoising.")
    img2img_background_color: str = param("#ffffff", "With img2img, fill transparent parts of the input image with this color")
    upscaler_for_img2img: str = param("None", "Upscaler for img2img", choices="upscalers", doc="What enlarges an image that is smaller than wanted.")
    img2img_batch_show_results_limit: int = param(32, "Show the first N batch img2img results in UI", slider=Range(-1, 1000), valid=Range(-1, 100000), doc="0: none of them. -1: all of them.")
    overlay_inpaint: bool = param(True, "Overlay original for inpaint", doc="Lay what was not masked over the result, pixel for pixel.")
    hires_fix_refiner_pass: str = param("second pass", "Hires fix: which pass to enable refiner for", choices=("first pass", "second pass", "both passes"), infotext="Hires refiner",
                                        absent="second pass")
    save_images_before_highres_fix: bool = param(False, "Save a copy of image before applying highres fix")
    img2img_inpaint_mask_brush_color: str = param("#ffffff", "Inpaint mask brush color", doc="How the mask is shown while it is painted; what it does is the same.")
    img2img_sketch_default_brush_color: str = param("#ff0000", "Sketch initial brush color")
    img2img_inpaint_sketch_default_brush_color: str = param("#ff0000", "Inpaint sketch initial brush color")


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompting:
    """Prompt editing."""

    emphasis: str = param("Original", "Emphasis mode", choices=("None", "Ignore", "Original", "No norm"), infotext="Emphasis", absent="Original",
                          doc="None: brackets are text. Ignore: they are read and have no effect. Original: A1111's. No norm: without keeping the mean.")
    comma_padding_backtrack: int = param(20, "Prompt word wrap length limit", slider=Range(0, 74), valid=Range(0, 74),
                                         doc="In tokens: a text broken over two chunks of 75 is moved to the second one from its last comma, if that is this near.")
    enable_prompt_comments: bool = param(True, "Enable comments", doc="What follows a # on its line is not drawn.")
    enable_wildcards: bool = param(False, "Enable wildcards and variants",
                                   doc="A name between two underscores on each side is a line of wildcards/NAME.txt, {a|2::b|c} one of its options, {2$$a|b|c} two of them; the image's seed decides.")
    disable_token_counters: bool = param(False, "Disable prompt token counters")
    include_styles_into_token_counters: bool = param(True, "Count tokens of enabled styles")
    keyedit_precision_attention: float = param(0.1, "Precision for (attention:1.1) when editing the prompt with Ctrl+up/down", slider=Range(0.01, 0.2, 0.001), valid=Range(0.001, 1))
    keyedit_precision_extra: float = param(0.05, "Precision for <extra networks:0.9> when editing the prompt with Ctrl+up/down", slider=Range(0.01, 0.2, 0.001), valid=Range(0.001, 1))
    keyedit_delimiters: str = param(r".,\/!?%^*;:{}=`~() ", "Word delimiters when editing the prompt with Ctrl+up/down", doc="Beside blanks, line ends, brackets and < >.")
    keyedit_move: bool = param(True, "Alt+left/right moves prompt elements")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """Sampler parameters."""

    hide_samplers: list[str] = param([], "Hide samplers in user interface", choices="all samplers",
                                     doc="They are left out of the menus; press Reload UI to see it. A text or a request that names one has it all the same.")
    eta_ddim: float = param(0.0, "Eta for DDIM", slider=Range(0, 1, 0.01), valid=Range(0, 10), infotext="Eta DDIM", absent=0,
                            doc="Noise multiplier; higher = more unpredictable results.")
    eta_ancestral: float = param(1.0, "Eta for k-diffusion samplers", slider=Range(0, 1, 0.01), valid=Range(0, 10), infotext="Eta", absent=1,
                                 doc="Noise multiplier; applies to Euler a and other samplers that have 'a' in them.")
    s_churn: float = param(0.0, "sigma churn", slider=Range(0, 100, 0.01), valid=Range(0, 1000), infotext="Sigma churn", absent=0,
                           doc="Amount of stochasticity; only applies to Euler, Heun, and DPM2.")
    s_tmin: float = param(0.0, "sigma tmin", slider=Range(0, 10, 0.01), valid=Range(0, 10000), infotext="Sigma tmin", absent=0,
                          doc="Enable stochasticity; start value of the sigma range.")
    s_tmax: float = param(0.0, "sigma tmax", slider=Range(0, 999, 0.01), valid=Range(0, 10000), infotext="Sigma tmax", absent=0,
                          doc="0 = inf; end value of the sigma range.")
    s_noise: float = param(1.0, "sigma noise", slider=Range(0, 1.1, 0.001), valid=Range(0, 10), infotext="Sigma noise", absent=1,
                           doc="Amount of additional noise to counteract loss of detail during sampling.")
    sigma_min: float = param(0.0, "sigma min", valid=Range(0, 10000), infotext="Schedule min sigma", absent=0,
                             doc="0 = the model's own; minimum noise strength of the schedule.")
    sigma_max: float = param(0.0, "sigma max", valid=Range(0, 100000), infotext="Schedule max sigma", absent=0,
                             doc="0 = the model's own; maximum noise strength of the schedule.")
    rho: float = param(0.0, "rho", valid=Range(0, 1000), infotext="Schedule rho", absent=0,
                       doc="0 = the schedule's own (7 for Karras); higher gives a steeper schedule.")
    k_sched_type: str = param("Automatic", "Scheduler type", choices=("Automatic", "karras", "exponential", "polyexponential"),
                              doc="For requests that name no schedule type, as in A1111 up to 1.8; Automatic leaves it to the sampler's name.")
    always_discard_next_to_last_sigma: bool = param(False, "Always discard next-to-last sigma", infotext="Discard penultimate sigma", absent=False)
    eta_noise_seed_delta: int = param(0, "Eta noise seed delta", valid=Range(-(2**32), 2**32), infotext="ENSD", absent=0,
                                      doc="ENSD; does not improve anything, just produces different results for ancestral samplers.")
    sgm_noise_multiplier: bool = param(False, "SGM noise multiplier", infotext="SGM noise multiplier", also=("SGM noise multplier",), absent=False,
                                       doc="Match initial noise to official SDXL implementation - only useful for reproducing images.")
    flow_shift: float = param(0.0, "Shift of flow models", slider=Range(0, 12, 0.05), valid=Range(0, 100), infotext="Shift", absent=0,
                              doc="SD3, Flux: how far the steps lie towards noise; 0 = as the model was trained.")
    uni_pc_variant: str = param("bh1", "UniPC variant", choices=("bh1", "bh2", "vary_coeff"))
    uni_pc_skip_type: str = param("time_uniform", "UniPC skip type", choices=("time_uniform", "time_quadratic", "logSNR"))
    uni_pc_order: int = param(3, "UniPC order", slider=Range(1, 50), valid=Range(1, 50), doc="Reached step by step; steps that are fewer never reach it.")
    uni_pc_lower_order_final: bool = param(True, "UniPC lower order final")
    sd_noise_schedule: str = param("Default", "Noise schedule for sampling", choices=("Default", "Zero Terminal SNR"), infotext="Noise Schedule",
                                   absent="Default", doc="Zero Terminal SNR is for models trained with it.")
    beta_dist_alpha: float = param(0.6, "Beta schedule alpha", slider=Range(0.01, 5, 0.01), valid=Range(0.01, 10), infotext="Beta schedule alpha", absent=0.6,
                                   doc="Shape of the Beta schedule: lower puts more of the steps at the lowest noise.")
    beta_dist_beta: float = param(0.6, "Beta schedule beta", slider=Range(0.01, 5, 0.01), valid=Range(0.01, 10), infotext="Beta schedule beta", absent=0.6,
                                  doc="Lower puts more of the steps at the highest noise.")
    enable_quantization: bool = param(False, "Enable quantization in K samplers", doc="Only the model's own noise levels; sharper, and other pictures than without.")
