"""`scripts_postprocessing`: what extensions do to finished pictures on the Extras tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from modules.compat.blame import BLAME
from modules.generate.operations import Added, Operation, Piece

FIRST_PASS = "process_firstpass"


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


def operations(scripts: Sequence[ScriptPostprocessing], given: Mapping[str, Mapping[str, Any]]) -> list[Added]:
    """What the scripts do to a picture, with the arguments given by their names."""
    early = [one for one in scripts if type(one).process_firstpass is not ScriptPostprocessing.process_firstpass]
    return [
        *(_added(one, FIRST_PASS, float("-inf"), given) for one in early),
        *(_added(one, "process", float(one.order or 0), given) for one in scripts),
    ]


def _added(script: ScriptPostprocessing, hook: str, order: float, given: Mapping[str, Mapping[str, Any]]) -> Added:
    name = str(script.name)
    return Added(
        name=name if hook != FIRST_PASS else f"{name} ({hook})",
        order=order,
        act=_act(script, hook, given.get(name, {})),
    )


def _act(script: ScriptPostprocessing, hook: str, args: Mapping[str, Any]) -> Operation:
    def act(piece: Piece, choice: Any, tools: Any, watch: Any) -> None:
        from modules.compat.binding import app

        pp = PostprocessedImage(piece.whole() if piece.alpha is not None else piece.image.copy())
        pp.info, pp.nametags, pp.caption = dict(piece.told), list(piece.tags), piece.caption or None
        BLAME.begin(app().queue.current)
        try:
            done = BLAME.call(script.extension, hook, lambda: bool(getattr(script, hook)(pp, **args)) or True, False)
            if done:
                _take(piece, pp)
            else:
                piece.remarks.append(BLAME.left_out(script.extension))
        finally:
            BLAME.end()

    return act


def _take(piece: Piece, pp: PostprocessedImage) -> None:
    """Let the picture under way be what a script made of it."""
    piece.become(Piece.of(pp.image))
    piece.told, piece.tags, piece.caption = dict(pp.info), list(pp.nametags), str(pp.caption or "")
    piece.final = bool(pp.disable_processing)
    for extra in pp.extra_images:
        other = Piece.of(extra if isinstance(extra, Image.Image) else extra.image)
        if isinstance(extra, PostprocessedImage):
            other.told, other.tags, other.final = dict(extra.info), list(extra.nametags), extra.disable_processing
        piece.more.append(other)
