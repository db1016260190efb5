"""A1111's `modules.scripts_postprocessing`: what is done to finished pictures on the Extras tab."""

from modules.compat.postprocessing import (  # noqa: F401
    PostprocessedImage,
    PostprocessedImageSharedInfo,
    ScriptPostprocessing,
)
from modules.compat.registry import Postprocessors as ScriptPostprocessingRunner  # noqa: F401


def wrap_call(func, filename, funcname, *args, default=None, **kwargs):
    """Call; the default where it fails."""
    from modules.compat.blame import BLAME

    return BLAME.call(BLAME.owner(filename), funcname, lambda: func(*args, **kwargs), default)
