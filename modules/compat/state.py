"""`shared.state`: the running job, as A1111's global state tells and steers it."""

from __future__ import annotations

import datetime
import time
from typing import Any

from modules.compat.binding import app, bound
from modules.jobs.progress import Progress

WISHES = ("interrupted", "skipped")


class State:
    """One object for as long as the program runs; what is not of the running job is kept here as it was set."""

    def __init__(self) -> None:
        self.__dict__["own"] = {
            "job": "",
            "job_no": 0,
            "job_count": 0,
            "processing_has_refined_job_count": False,
            "job_timestamp": "0",
            "sampling_step": 0,
            "sampling_steps": 0,
            "current_latent": None,
            "current_image": None,
            "current_image_sampling_step": 0,
            "id_live_preview": 0,
            "textinfo": None,
            "time_start": None,
            "server_start": time.time(),
            "interrupted": False,
            "skipped": False,
            "stopping_generation": False,
            "need_restart": False,
            "server_command": None,
            "oom": False,
        }

    def _progress(self) -> Progress | None:
        job = app().queue.current if bound() else None
        return None if job is None else job.progress

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__["own"]
        progress = None if name.startswith("__") else self._progress()
        if progress is not None:
            if name in WISHES:
                return getattr(progress.stop, name)
            if name == "sampling_step":
                return progress.step
            if name == "sampling_steps":
                return progress.steps
            if name in ("textinfo", "job") and not own[name]:
                return progress.text or ("job" if name == "job" else None)
        if name in own:
            return own[name]
        raise AttributeError(f"'State' object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        progress = self._progress()
        if progress is not None:
            if name in WISHES:
                setattr(progress.stop, name, bool(value))
                return
            if name == "textinfo":
                progress.say(value or "")
            elif name == "sampling_step":
                progress.at(int(value))
        self.__dict__["own"][name] = value

    def begin(self, job: str = "(unknown)") -> None:
        """A piece of work begins; within a job of the queue it is a part of it."""
        self.__dict__["own"] |= {
            "job": job,
            "job_no": 0,
            "job_count": -1,
            "job_timestamp": datetime.datetime.now().strftime("%Y%m%d%H%M%S"),
            "time_start": time.time(),
            "interrupted": False,
            "skipped": False,
            "textinfo": None,
            "sampling_step": 0,
            "current_image": None,
        }

    def end(self) -> None:
        """The piece of work is over."""
        self.__dict__["own"] |= {"job": "", "job_count": 0}

    def nextjob(self) -> None:
        """The next part begins."""
        self.__dict__["own"]["job_no"] += 1
        self.__dict__["own"]["sampling_step"] = 0

    def interrupt(self) -> None:
        """End the running job."""
        self.interrupted = True

    def skip(self) -> None:
        """End the running batch."""
        self.skipped = True

    def stop_generating(self) -> None:
        """End the running job after its picture."""
        self.stopping_generation = True
        self.interrupted = True

    def request_restart(self) -> None:
        """Extensions do not restart the program: people do."""
        self.__dict__["own"]["need_restart"] = True

    def set_current_image(self) -> None:
        """Nothing to do: the page makes its own previews."""

    def do_set_current_image(self) -> None:
        """Nothing to do: the page makes its own previews."""

    def assign_current_image(self, image: Any) -> None:
        """Show a picture as the preview of the running job."""
        self.__dict__["own"]["current_image"] = image
        self.__dict__["own"]["id_live_preview"] += 1
        progress = self._progress()
        if progress is not None and image is not None:
            progress.at(progress.step, lambda: _encoded(image))

    def wait_for_server_command(self, timeout: float | None = None) -> None:
        """There are none."""

    def dict(self) -> dict[str, Any]:
        """As A1111's progress API has it."""
        names = "skipped", "interrupted", "stopping_generation", "job", "job_count", "job_timestamp", "job_no"
        return {name: getattr(self, name) for name in (*names, "sampling_step", "sampling_steps")}


def _encoded(image: Any) -> bytes:
    from modules.imaging.pixels import thumbnail_jpeg

    return thumbnail_jpeg(image, max(image.size), 85)


class TotalTqdm:
    """`shared.total_tqdm`: a progress bar on the console that this program has not."""

    def update(self) -> None:
        """Nothing to do."""

    def updateTotal(self, new_total: int) -> None:
        """Nothing to do."""

    def reset(self) -> None:
        """Nothing to do."""

    def clear(self) -> None:
        """Nothing to do."""
