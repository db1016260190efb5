"""A program whose engine draws flat pictures at the pace a test wants, behind a real server."""

import base64
import dataclasses
import io
import threading
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from PIL import Image

from modules import server
from modules.app import build
from modules.generate import infotext
from modules.generate.result import Picture, Result
from modules.settings.sections import Launch
from modules.webapi.patience import Patient


class Drawing:
    """In place of modules.app.Engine. Clear `go` to hold the next step; `error` is raised at the first one."""

    scaler = None  # nothing is enlarged here

    def __init__(self, *parts):
        self.go = threading.Event()
        self.loaded = []
        self.reset()

    def reset(self):
        self.error = None
        self.preview_steps = True
        self.go.set()

    def unload(self):
        self.loaded.clear()

    def memory(self):
        return {}

    def load(self, checkpoint):
        self.loaded.append(checkpoint.name)

    def run(self, plan, progress, hooks=None):
        request = plan.request
        progress.begin(request.n_iter, request.steps)
        pictures = []
        for batch in range(request.n_iter):
            progress.next_batch(batch)
            self._steps(request, progress)
            for index in range(batch * request.batch_size, (batch + 1) * request.batch_size):
                image = Image.new("RGB", (request.width, request.height), colour(plan.seeds[index]))
                text = infotext.write(plan, index, plan.checkpoint, {"Distilled CFG Scale": None})  # as of a UNet
                pictures.append(Picture(image=image, infotext=text))
            if progress.stop.interrupted:
                break
        grid = None
        if len(pictures) > 1 and not request.do_not_save_grid:
            grid = Picture(image=Image.new("RGB", (8, 8)), infotext=pictures[0].infotext)
        return Result(
            plan=plan,
            pictures=tuple(pictures),
            grid=grid,
            model_name=plan.checkpoint.model_name,
            model_hash=plan.checkpoint.short_hash,
            extra={},
            comments=plan.wording.comments,
            seconds=0.0,
            interrupted=progress.stop.interrupted,
        )

    def _steps(self, request, progress):
        for step in range(request.steps):
            assert self.go.wait(10), "the test forgot to let the engine go on"
            if self.error is not None:
                raise self.error
            if progress.stop.interrupted or progress.stop.skipped:
                return
            progress.at(step + 1, (lambda step=step: jpeg(step)) if self.preview_steps else None)


def colour(seed):
    return seed % 251, seed % 241, seed % 239


def jpeg(step):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour(step * 17)).save(buffer, "JPEG")
    return buffer.getvalue()


def drawing_program(folder, **flags):
    """An App over the drawing engine; its one checkpoint is a file that nothing ever opens."""
    models = folder / "models/Stable-diffusion"
    models.mkdir(parents=True, exist_ok=True)
    (models / "tiny.safetensors").write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modules.app.Engine", Drawing)
        return build(Launch(data_dir=str(folder), nowebui=True, no_hashing=True, **flags))


class Address(str):
    """A server's, with its application."""

    api = None


@contextmanager
def serving(app, rules=None):
    """The address of a real server of that program."""
    listener = server.bind(dataclasses.replace(app.launch, port=0), True)
    api = server.create(app, rules)
    ready = threading.Event()
    config = uvicorn.Config(
        api,
        http=Patient,
        log_config=None,
        access_log=False,
        timeout_keep_alive=app.launch.timeout_keep_alive,
        timeout_graceful_shutdown=1,
    )
    running = server.Server(config, api.state.watch, ready.set)
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    assert ready.wait(10)
    try:
        url = Address(f"http://127.0.0.1:{listener.getsockname()[1]}")
        url.api = api
        yield url
    finally:
        running.stop()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def png():
    """A picture in base64."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture(scope="module")
def shared_program(tmp_path_factory):
    made = drawing_program(tmp_path_factory.mktemp("program"))
    yield made
    made.queue.close()


@pytest.fixture(scope="module")
def address(shared_program):
    with serving(shared_program) as url:
        yield url


@pytest.fixture
def program(shared_program):
    """The App behind `client`, its queue empty before and after."""
    yield shared_program
    shared_program.engine.reset()
    shared_program.queue.interrupt()
    for job in [*shared_program.queue.waiting(), shared_program.queue.current]:
        if job is not None:
            job.finished.wait(10)


@pytest.fixture
def client(program, address):
    with httpx.Client(base_url=address, timeout=20, verify=False) as made:
        yield made
