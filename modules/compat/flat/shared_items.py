"""A1111's `modules.shared_items`: lists for menus."""


def realesrgan_models_names():
    """Upscalers of that kind."""
    from modules import shared

    return [one.name for one in shared.sd_upscalers]


def postprocessing_scripts():
    """Those of extensions."""
    from modules import scripts

    return scripts.scripts_postproc.scripts_in_preferred_order()


def sd_vae_items():
    """The VAE menu."""
    from modules.compat.binding import app

    return app().catalogs["vaes"]()


def refresh_vae_list():
    """Look again."""
    from modules import sd_vae

    sd_vae.refresh_vae_list()


def list_samplers():
    """All."""
    from modules import sd_samplers

    return sd_samplers.all_samplers


def list_checkpoint_tiles(use_short=False):
    """All titles."""
    from modules import sd_models

    return sd_models.checkpoint_tiles(use_short)


refresh_checkpoints = refresh_vae_list


def get_infotext_names():
    """Keys of infotexts."""
    from modules.infotext_utils import infotext_to_setting_name_mapping

    return [key for key, _ in infotext_to_setting_name_mapping()]
