"""Upscalers by name: files under A1111's names, models of any architecture, tiles, and what can go wrong."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from modules.exceptions import CorruptFile, Interrupted, NotFound, OutOfMemory, ParameterError, UnknownArchitecture
from modules.weights.devices import place
from modules.weights.upscalers import loader, store
from modules.weights.upscalers.catalogue import Upscalers
from modules.weights.upscalers.store import Store


def esrgan(width=8, blocks=1, doublings=2, seed=0):
    """The tensors of a small ESRGAN as BasicSR names them, enlarging 2 ** doublings times."""
    draw = torch.Generator().manual_seed(seed)
    tensors = {}

    def conv(name, outputs, inputs):
        tensors[f"{name}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=draw) / (9 * inputs) ** 0.5
        tensors[f"{name}.bias"] = torch.zeros(outputs)

    conv("conv_first", width, 3)
    for block in range(blocks):
        for dense in (1, 2, 3):
            for layer in range(5):
                conv(f"body.{block}.rdb{dense}.conv{layer + 1}", 32 if layer < 4 else width, width + 32 * layer)
    names = ["conv_body", *(f"conv_up{number + 1}" for number in range(doublings)), "conv_hr"]
    for name in names:
        conv(name, width, width)
    conv("conv_last", 3, width)
    tensors["conv_last.bias"] += 0.5
    return tensors


def picture(width, height, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    top = tmp_path_factory.mktemp("models")
    for name in ("ESRGAN", "RealESRGAN", "SwinIR"):
        (top / name).mkdir()
    torch.save({"params_ema": esrgan()}, top / "ESRGAN" / "4x_Drawn.pth")
    save_file(esrgan(seed=1), top / "RealESRGAN" / "RealESRGAN_x4plus.safetensors")
    (top / "ESRGAN" / "notes.txt").write_text("not a model")
    (top / "SwinIR" / "broken.pth").write_bytes(b"nothing")
    return {name: (top / name,) for name in ("ESRGAN", "RealESRGAN", "DAT", "SwinIR", "ScuNET")}


@pytest.fixture
def upscalers(folders):
    return Store(Upscalers(folders), lambda: place(use_cpu=True))


@pytest.fixture
def view(fresh_app):
    return fresh_app.options.view()


def quiet(share):
    """Told how far it is."""


def test_files_are_listed_by_a1111s_names(folders):
    listed = Upscalers(folders).all()
    assert [one.name for one in listed] == ["None", "Lanczos", "Nearest", "4x_Drawn", "broken", "R-ESRGAN 4x+"]
    assert [one.scale for one in listed] == [4] * 6
    assert [one.kind.folder if one.kind else None for one in listed[3:]] == ["ESRGAN", "SwinIR", "RealESRGAN"]


def test_an_upscaler_is_found_by_the_names_people_use(folders):
    known = Upscalers(folders)
    for name in ("R-ESRGAN 4x+", "RealESRGAN_x4plus", "r-esrgan 4X+"):
        assert known.find(name).path.name == "RealESRGAN_x4plus.safetensors"
    assert known.find("4x Drawn").name == "4x_Drawn"
    with pytest.raises(NotFound, match="did you mean 'Lanczos'"):
        known.find("Lanczoz")
    with pytest.raises(NotFound, match="put its file into .*ESRGAN"):
        known.find("4x-UltraSharp")


@pytest.mark.parametrize("side", [64, 96])
def test_tiles_give_what_the_whole_picture_gives(upscalers, view, side):
    image = picture(200, 136)
    whole = upscalers.scaler("4x_Drawn", view.over(ESRGAN_tile=0), quiet)(image, 800, 544)
    told = []
    tiled = upscalers.scaler("4x_Drawn", view.over(ESRGAN_tile=side), told.append)(image, 800, 544)
    assert np.asarray(whole).std() > 10
    assert np.abs(np.asarray(whole).astype(int) - np.asarray(tiled)).max() <= 1
    assert len(told) > 4 and told == sorted(told) and told[0] == 0 and told[-1] == 1


def test_a_picture_comes_out_at_the_size_asked_for(upscalers, view):
    for name in ("R-ESRGAN 4x+", "Lanczos", "None"):
        assert upscalers.scaler(name, view, quiet)(picture(32, 24), 100, 90).size == (100, 90)
    found = upscalers.upscalers.find("4x_Drawn")
    assert upscalers.scaled(picture(30, 30), found, 2, view, quiet).size == (56, 56)


def test_channels_keep_their_places(folders):
    """A network that lets the middle of its kernel through and nothing else must give the colours back."""
    model = loader.load(folders["ESRGAN"][0] / "4x_Drawn.pth", place(use_cpu=True))

    class Through(torch.nn.Module):
        device, dtype = torch.device("cpu"), torch.float32

        def forward(self, x):
            return torch.nn.functional.interpolate(x, scale_factor=4)

    pixels = np.asarray(picture(16, 16))
    made = loader.ImageModel(Through(), model.scale)(pixels)
    assert np.array_equal(made, pixels.repeat(4, 0).repeat(4, 1))


def test_models_are_loaded_once_and_again_when_the_file_changes(upscalers, view, folders, monkeypatch):
    loaded = []
    monkeypatch.setattr(
        store, "load", lambda path, *args, **words: loaded.append(path.name) or loader.load(path, *args)
    )
    for name in ("4x_Drawn", "R-ESRGAN 4x+", "4x_Drawn"):
        upscalers.scaler(name, view, quiet)(picture(8, 8), 32, 32)
    assert len(loaded) == 2
    path = folders["ESRGAN"][0] / "4x_Drawn.pth"
    torch.save({"params": esrgan(doublings=1)}, path)
    assert upscalers.scaler("4x_Drawn", view, quiet)(picture(8, 8), 16, 16).size == (16, 16)
    assert len(loaded) == 3
    torch.save({"params_ema": esrgan()}, path)


def test_the_user_stops_between_tiles(upscalers, view):
    def stop(share):
        if share > 0.3:
            raise Interrupted("Stopped by the user.")

    with pytest.raises(Interrupted):
        upscalers.scaler("4x_Drawn", view.over(ESRGAN_tile=64), stop)(picture(200, 136), 800, 544)


def test_less_memory_means_smaller_tiles(upscalers, view, monkeypatch):
    sizes = []

    def short(limit):
        def run(self, pixels):
            sizes.append(max(pixels.shape[:2]))
            if sizes[-1] > limit:
                raise torch.OutOfMemoryError("out of memory")
            return pixels.repeat(4, 0).repeat(4, 1)

        return run

    monkeypatch.setattr(loader.ImageModel, "__call__", short(60))
    image = picture(200, 136)
    made = upscalers.scaler("4x_Drawn", view.over(ESRGAN_tile=0), quiet)(image, 800, 544)
    assert np.array_equal(np.asarray(made), np.asarray(image).repeat(4, 0).repeat(4, 1))
    assert sizes[:3] == [200, 100, 50]
    monkeypatch.setattr(loader.ImageModel, "__call__", short(0))
    with pytest.raises(OutOfMemory, match="does not hold"):
        upscalers.scaler("4x_Drawn", view, quiet)(image, 800, 544)


def test_a_picture_beyond_all_memory_is_refused_before_the_work(upscalers, view):
    with pytest.raises(ParameterError, match="megapixels"):
        upscalers.scaler("4x_Drawn", view, quiet)(Image.new("RGB", (8000, 8000)), 8800, 8800)


def test_what_is_no_upscaler_is_told_apart(tmp_path):
    where = place(use_cpu=True)

    class Trap:
        def __reduce__(self):
            return print, ("run",)

    torch.save({"params": esrgan() | {"trap": Trap()}}, tmp_path / "trap.pth")
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "cut.pth").write_bytes(b"PK\3\4cut")
    incomplete = {name: tensor for name, tensor in esrgan().items() if "rdb2.conv3" not in name}
    torch.save(incomplete, tmp_path / "incomplete.pth")
    for name, error, words in [
        ("trap", CorruptFile, "more than tensors"),
        ("other", UnknownArchitecture, "no architecture"),
        ("list", CorruptFile, "no table"),
        ("cut", CorruptFile, "download"),
        ("incomplete", CorruptFile, "download"),
    ]:
        with pytest.raises(error, match=words):
            loader.load(tmp_path / f"{name}.pth", where)


def test_torchvision_is_never_needed_nor_left_behind(folders):
    import sys

    loader.read_network(folders["ESRGAN"][0] / "4x_Drawn.pth")
    assert not [name for name in sys.modules if name.split(".")[0] == "torchvision"]
