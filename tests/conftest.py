"""What all tests share: a drawn model that AUTOMATIC1111 itself has run, and a program over it."""

import json
import os
import shutil
import zlib
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as webui.py does
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processors are shared out among the workers already

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from modules.app import App, build
from modules.settings.sections import Launch

GOLDEN = Path(__file__).parent / "golden"


def pytest_collection_modifyitems(config, items):
    import torch

    # Playwright's synchronous half keeps an event loop running in the main thread; who needs none comes first.
    items.sort(key=lambda item: "browser" in item.path.parts)
    if not torch.cuda.is_available():
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="there is no GPU here"))


def drawn(name, shape, gain, fan, offset, wide, seed=None):
    """fp16(offset + normals · gain / √fan), the normals of a frozen generator seeded by the tensor's name."""
    normals = (
        np.random.RandomState(zlib.crc32((seed or name).encode())).standard_normal(tuple(shape)).astype(np.float32)
    )
    scale = gain / np.sqrt(fan)
    values = normals.astype(np.float64) * scale + offset if wide else normals * np.float32(scale) + np.float32(offset)
    return values.astype(np.float32).astype(np.float16)


def draw_model(folder: Path) -> Path:
    """tiny-sd1.safetensors with its sidecars, byte for byte the file behind the golden pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = json.loads((GOLDEN / "model/tiny-sd1.json").read_text())
    raw = load_file(GOLDEN / "model/tiny-sd1.raw.safetensors")
    tensors = {
        name: (drawn(name, shape, **how) if how else raw[name]).astype(kind).reshape(shape)
        for name, kind, shape, how in recipe["tensors"]
    }
    path = folder / "tiny-sd1.safetensors"
    save_file(tensors, path, metadata=recipe["metadata"])
    shutil.copy(GOLDEN / "model/tiny-sd1.yaml", folder)
    shutil.copytree(GOLDEN / "model/tiny-sd1-text-encoder", folder / "tiny-sd1-text-encoder", dirs_exist_ok=True)
    return path


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory) -> Path:
    """A data folder whose models/Stable-diffusion holds the drawn model; for reading, outputs go elsewhere."""
    data = tmp_path_factory.mktemp("data")
    draw_model(data / "models/Stable-diffusion")
    return data


@pytest.fixture(scope="session")
def app(checkpoint_folder) -> App:
    """The program over the drawn model, without a server; shared, so a test changes no option of it."""
    made = build(Launch(data_dir=str(checkpoint_folder)))
    yield made
    made.queue.close()


@pytest.fixture
def fresh_app(tmp_path) -> App:
    """A program over an empty data folder."""
    made = build(Launch(data_dir=str(tmp_path), no_download_sd_model=True))
    yield made
    made.queue.close()
