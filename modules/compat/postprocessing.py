"""`scripts_postprocessing`: what extensions do to finished pictures on the Extras tab."""

from __future__ import annotations

from typing import Any


class PostprocessedImageSharedInfo:
    """What scripts of one picture agree on."""

    target_width: int | None = None
    target_height: int | None = None


class PostprocessedImage:
    """A picture on its way through the scripts."""

    def __init__(self, image: Any):
        self.image = image
        self.info: dict[str, Any] = {}
        self.shared = PostprocessedImageSharedInfo()
        self.extra_images: list[Any] = []
        self.nametags: list[str] = []
        self.disable_processing = False
        self.caption: Any = None

    def get_suffix(self, used_suffixes: Any = None) -> str:
        """What ends the file's name."""
        return "-" + "-".join(self.nametags) if self.nametags else ""

    def create_copy(
        self, new_image: Any, *, nametags: Any = None, disable_processing: bool = False
    ) -> PostprocessedImage:
        """Another picture of the same."""
        made = PostprocessedImage(new_image)
        made.shared, made.info = self.shared, dict(self.info)
        made.nametags = [*self.nametags, *(nametags or ())]
        made.disable_processing = disable_processing
        return made


class ScriptPostprocessing:
    """The base: makes components by name and changes a picture by their values."""

    filename: Any = None
    controls: Any = None
    args_from: Any = None
    args_to: Any = None
    order: float = 1000
    name: Any = None
    group: Any = None
    extension = ""

    def ui(self) -> Any:
        """Components by the names of `process`'s arguments."""

    def process(self, pp: PostprocessedImage, **args: Any) -> None:
        """Change `pp`."""

    def process_firstpass(self, pp: PostprocessedImage, **args: Any) -> None:
        """Before any script changes the picture."""

    def image_changed(self) -> None:
        """Another picture was put on the tab."""
