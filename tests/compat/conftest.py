"""The program over the drawn model with A1111's names bound to it, and tiny extensions written into a folder."""

import asyncio
import textwrap
from pathlib import Path

import pytest

from modules.compat import binding, gradio3
from modules.compat.blame import BLAME
from modules.compat.callbacks import CALLBACKS
from modules.compat.guest import CALLBACKS_OWNER, Extensions
from modules.compat.registry import REGISTRY
from modules.host.extensions.finding import Off, discover


@pytest.fixture
def names(app, monkeypatch):
    """A1111's names speak of the shared program for one test, and of none after it."""
    monkeypatch.setattr("gradio.utils.safe_get_lock", asyncio.Lock)  # gradio's own leave an event loop open each
    monkeypatch.setattr("gradio.queueing.safe_get_lock", asyncio.Lock)
    monkeypatch.setattr("gradio.utils.safe_get_stop_event", asyncio.Event)
    gradio3.put_on()
    writers = [*app.sources.writers]
    binding.bind(app)
    yield app
    binding.bind(None)
    app.sources.writers[:] = writers
    for name in set(REGISTRY.names.values()):
        app.scripts.drop(name)
    REGISTRY.clear()
    REGISTRY.ready()
    CALLBACKS.remove(lambda one: True)
    app.events.off(CALLBACKS_OWNER)
    for name in BLAME.roots.values():
        BLAME.troubles.forget(name)
    BLAME.roots.clear()
    BLAME.end()
    app.guests.clear()


@pytest.fixture
def extension(names, tmp_path):
    """Writes an extension of one script and loads it; called once a test."""

    def write(**sources: str) -> Extensions:
        for name, source in sources.items():
            folder: Path = tmp_path / "extensions" / name
            (folder / "scripts").mkdir(parents=True, exist_ok=True)
            (folder / "scripts" / f"{name}.py").write_text(textwrap.dedent(source))
        guest = Extensions(names)
        guest.load(discover(tmp_path / "extensions", Off(frozenset(), False), names.extensions.troubles.note))
        names.guests.append(guest)
        return guest

    return write
