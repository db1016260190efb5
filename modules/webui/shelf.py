"""Where the page gets finished pictures from: the saved files themselves, else copies in a temporary folder."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import gradio as gr

from modules.declare import specs
from modules.generate.result import Picture
from modules.imaging.files import SaveOptions, save
from modules.jobs.queue import Job
from modules.settings.folders import Folders
from modules.settings.options import View
from modules.settings.sections.saving import Paths


class Shelf:
    """Pictures as files that the browser may fetch.

    The output folders of the start are served as they are, without gradio's copying. A picture that was not saved, or
    that lies anywhere else because the options were changed since, is written to the temporary folder: no option can
    make a folder public while the program runs.
    """

    def __init__(self, folders: Folders, view: View):
        self._lock = threading.Lock()
        self._temporary = tempfile.TemporaryDirectory(prefix="webui-pictures-", ignore_cleanup_errors=True)
        self._folder = Path(self._temporary.name).resolve()
        chosen = [getattr(view, name) for name in specs(Paths)]
        outputs = [folders.output(text) for text in chosen if text]
        # An output folder that holds the data folder would serve the settings and the models too.
        self.served = [self._folder, *(path for path in outputs if not folders.data.is_relative_to(path))]
        gr.set_static_paths([str(path) for path in self.served])

    def files(self, job: Job) -> list[str]:
        """The files of a finished job's pictures in the order shown; the same at every call."""
        view = job.result.plan.view
        made = SaveOptions(format=view.samples_format, jpeg_quality=view.jpeg_quality, webp_lossless=view.webp_lossless)
        shown = enumerate(job.result.shown)
        with self._lock:
            return [str(self._file(f"{job.id}-{place}", picture, made)) for place, picture in shown]

    def _file(self, stem: str, picture: Picture, made: SaveOptions) -> Path:
        path = picture.path
        if path and path.is_file() and any(path.resolve().is_relative_to(folder) for folder in self.served):
            return path
        earlier = next(self._folder.glob(f"{glob_free(stem)}.*"), None)
        return earlier or save(picture.image, self._folder, glob_free(stem), picture.infotext, made)


def glob_free(text: str) -> str:
    """The text with nothing in it that a pattern or a file name could mind."""
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in text)
