"""Where the page gets finished pictures from: the saved files themselves, else copies in a temporary folder."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from modules.declare import specs
from modules.generate.result import Picture
from modules.imaging.files import SaveOptions, save
from modules.jobs.queue import Job
from modules.settings.folders import Folders
from modules.settings.options import View
from modules.settings.reach import Role, User
from modules.settings.sections.saving import Paths

REMEMBERED = 10_000  # files


class Shelf:
    """Pictures as files that the browser may fetch.

    The output folders of the start are served as they are, without gradio's copying. A picture that was not saved, or
    that lies anywhere else because the options were changed since, is written to the temporary folder: no option can
    make a folder public while the program runs.
    """

    def __init__(self, folders: Folders, view: View, more: Sequence[str] = ()):
        """`more`: folders that a flag opens."""
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="webui-pictures-")).resolve()
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._given: dict[str, str] = {}  # whose a file is that was shown
        self._uploads = Path(get_upload_folder())  # under names that nobody can guess
        chosen = [getattr(view, name) for name in specs(Paths)]
        outputs = [folders.output(text) for text in chosen if text]
        # An output folder that holds the data folder would serve the settings and the models too.
        self.served = [self._folder, *(path for path in outputs if not folders.data.is_relative_to(path))]
        self.served += [Path(text).expanduser().resolve() for text in more]
        gr.set_static_paths([str(path) for path in self.served])

    def may_fetch(self, user: User, path: str) -> bool:
        """Whether a file may go to this user: a guest gets what his own jobs made, and his own uploads."""
        if user.role > Role.GUEST:
            return True
        with self._lock:
            return self._given.get(path) == user.name or Path(path).is_relative_to(self._uploads)

    def shows(self, path: str) -> bool:
        """Whether a file lies in a folder that is served."""
        return any(Path(path).resolve().is_relative_to(folder) for folder in self.served)

    def files(self, job: Job) -> list[str]:
        """The files of a finished job's pictures in the order shown; the same at every call."""
        view = job.result.plan.view
        made = SaveOptions(format=view.samples_format, jpeg_quality=view.jpeg_quality, webp_lossless=view.webp_lossless)
        shown = enumerate(job.result.shown)
        with self._lock:
            found = [str(self._file(f"{job.id}-{place}", picture, made)) for place, picture in shown]
            self._given |= dict.fromkeys(found, job.owner)
            for path in list(self._given)[:-REMEMBERED]:
                del self._given[path]
            return found

    def temporary(self, name: str) -> Path:
        """A new place for a file that the browser may fetch, gone when the program ends."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        return folder / name

    def public(self, path: Path) -> str:
        """A file that the browser may fetch: the picture itself, or a copy of one that lies elsewhere."""
        if any(path.resolve().is_relative_to(folder) for folder in self.served):
            return str(path)
        copy = self._folder / glob_free(f"{path.parent}-{path.stem}")[-200:]
        copy = copy.with_name(copy.name + path.suffix)
        shutil.copyfile(path, copy)
        return str(copy)

    def _file(self, stem: str, picture: Picture, made: SaveOptions) -> Path:
        path = picture.path
        if path and path.is_file() and any(path.resolve().is_relative_to(folder) for folder in self.served):
            return path
        earlier = next(self._folder.glob(f"{glob_free(stem)}.*"), None)
        return earlier or save(picture.image, self._folder, glob_free(stem), picture.infotext, made)


def glob_free(text: str) -> str:
    """The text with nothing in it that a pattern or a file name could mind."""
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in text)
