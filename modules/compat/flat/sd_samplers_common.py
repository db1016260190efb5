"""A1111's `modules.sd_samplers_common`."""

from modules.compat.samplers import SamplerData  # noqa: F401
from modules.compat.stubs import stub

approximation_indexes = {"Full": 0, "Approx NN": 1, "Approx cheap": 2, "TAESD": 3}


class InterruptedException(BaseException):
    """The user stopped the job."""


def setup_img2img_steps(p, steps=None):
    """(steps laid out, steps taken)."""
    wanted = steps or p.steps
    return wanted, int(min(p.denoising_strength, 0.999) * wanted)


def decode_first_stage(model, x):
    """Latents as pixels, -1 to 1."""
    return model.decode_first_stage(x)


def samples_to_images_tensor(sample, approximation=None, model=None):
    """Latents as pixels, 0 to 1."""
    from modules import shared

    return ((model or shared.sd_model).decode_first_stage(sample) + 1) / 2


def single_sample_to_image(sample, approximation=None):
    """A latent as a picture."""
    from modules.imaging.pixels import to_images

    return to_images(samples_to_images_tensor(sample[None])[0:1].mul(2).sub(1).movedim(1, -1).cpu().numpy())[0]


def sample_to_image(samples, index=0, approximation=None):
    """One of several latents as a picture."""
    return single_sample_to_image(samples[index], approximation)


def store_latent(decoded):
    """The engine keeps it."""


def is_sampler_using_eta_noise_seed_delta(p):
    """Is ENSD told?"""
    from modules.sampling.tables import choose

    return choose(p.sampler_name, None).sampler.uses_ensd


__getattr__ = stub(__name__)
