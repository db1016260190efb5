"""The sections of the settings page, in page order; each field is one option under A1111's name."""

from modules.settings.sections.computing import Compatibility, FreeU, Optimizations, Vae
from modules.settings.sections.downloads import Downloads
from modules.settings.sections.interface import (
    Api,
    Canvas,
    Extensions,
    Gallery,
    Infotext,
    InTabs,
    Interface,
    Networks,
    Previews,
)
from modules.settings.sections.launch import Launch
from modules.settings.sections.pictures import OverPictures, Prompting, Sampling, StableDiffusion, StableDiffusionXL
from modules.settings.sections.saving import Directories, Paths, Saving
from modules.settings.sections.upscaling import Postprocessing, Upscaling

SECTIONS: dict[str, type] = {
    "Saving images/grids": Saving,
    "Paths for saving": Paths,
    "Saving to a directory": Directories,
    "Upscaling": Upscaling,
    "Stable Diffusion": StableDiffusion,
    "Stable Diffusion XL": StableDiffusionXL,
    "VAE": Vae,
    "img2img": OverPictures,
    "Optimizations": Optimizations,
    "Compatibility": Compatibility,
    "FreeU": FreeU,
    "Extra Networks": Networks,
    "Prompt editing": Prompting,
    "Sampler parameters": Sampling,
    "Infotext": Infotext,
    "Live previews": Previews,
    "Gallery": Gallery,
    "User interface": Interface,
    "Settings in UI": InTabs,
    "Canvas Hotkeys": Canvas,
    "Postprocessing": Postprocessing,
    "Downloads": Downloads,
    "API": Api,
    "Extensions": Extensions,
}

__all__ = ["SECTIONS", "Launch"]
