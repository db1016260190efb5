"""Mergers against the formulas written out anew, in both formats; what goes into the file beside; what is refused."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import time

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from modules.exceptions import Forbidden, Interrupted, ParameterError
from modules.settings.reach import Role, User
from modules.weights.recipe import SKIPPED, UNET_IN, Merge

SECONDS = 60
PLAIN, INPAINT, EDIT = 4, 9, 8
VAE_KEY = "first_stage_model.decoder.conv_in.weight"


def tensors(seed, channels=PLAIN, **more):
    made = torch.Generator().manual_seed(seed)

    def draw(*shape, dtype=torch.float32):
        return torch.randn(shape, generator=made).to(dtype)

    return {
        UNET_IN: draw(8, channels, 3, 3),
        "model.diffusion_model.half.weight": draw(6, 5, dtype=torch.float16),
        "model_ema.decay": draw(1).reshape(()),
        VAE_KEY: draw(4, 4),
        "outside.weight": draw(3),  # not a part of the model: A1111 leaves what has no "model" in its name
        SKIPPED: torch.arange(77)[None],
        **{name: draw(2, 2) for name in more},
    }


@pytest.fixture
def kitchen(fresh_app):
    """A program over a few small files, and what makes more of them."""
    folder = fresh_app.folders.checkpoints[0]

    def put(name, made, metadata=None):
        if name.endswith(".ckpt"):
            torch.save({"state_dict": made, "epoch": 3}, folder / name)
        else:
            save_file(made, folder / name, metadata)
        fresh_app.library.scan()
        return made

    def merge(**fields):
        path = fresh_app.merge(Merge(**fields)).wait(SECONDS)
        if path.suffix == ".ckpt":
            return path, torch.load(path, weights_only=True)["state_dict"]
        return path, load_file(path)

    return type("Kitchen", (), {"app": fresh_app, "folder": folder, "put": staticmethod(put), "merge": merge})


AB = {"primary_model_name": "a", "secondary_model_name": "b"}


@pytest.mark.parametrize("form", ["safetensors", "ckpt"])
def test_a_weighted_sum_is_the_formula_value_for_value(kitchen, form):
    a, b = kitchen.put("a.safetensors", tensors(1, only_a_model=1)), kitchen.put("b.ckpt", tensors(2, only_b_model=1))
    path, made = kitchen.merge(**AB, multiplier=0.3, checkpoint_format=form)
    assert path.name == f"0.7(a) + 0.3(b).{form}"
    for name, own in a.items():
        mixed = "model" in name and name in b and name != SKIPPED
        wanted = (1 - 0.3) * own + 0.3 * b[name] if mixed else own
        assert made[name].dtype == own.dtype and torch.equal(made[name], wanted), name
    assert made.keys() == a.keys()
    assert kitchen.app.library.find("0.7(a) + 0.3(b)").path == path


def test_a_difference_is_added_and_halved(kitchen):
    a, b, c = (kitchen.put(f"{name}.safetensors", tensors(seed, x_model=1)) for seed, name in enumerate("abc"))
    c.pop("x_model")
    kitchen.put("c.safetensors", c)
    fields = AB | {"tertiary_model_name": "c", "interp_method": "Add difference"}
    path, made = kitchen.merge(**fields, multiplier=0.5, save_as_half=True, custom_name="my/sum")
    assert path == kitchen.folder / "my" / "sum.safetensors"
    for name in a.keys() - {SKIPPED, "outside.weight", "x_model"}:
        assert torch.equal(made[name], (a[name] + (b[name] - c[name]) * 0.5).half()), name
    assert torch.equal(made["x_model"], a["x_model"].half())  # what C lacks, A1111 takes for no difference
    assert made["outside.weight"].dtype == torch.float16 and made[SKIPPED].dtype == torch.int64
    assert kitchen.merge(**fields)[0].name == "a + 0.3(b - c).safetensors"


@pytest.mark.parametrize(("channels", "mark"), [(INPAINT, ".inpainting"), (EDIT, ".instruct-pix2pix")])
def test_what_an_inpainting_model_is_given_besides_stays(kitchen, channels, mark):
    a, b = kitchen.put("a.safetensors", tensors(1, channels)), kitchen.put("b.safetensors", tensors(2))
    path, made = kitchen.merge(**AB, multiplier=0.25)
    assert path.name == f"0.75(a) + 0.25(b){mark}.safetensors"
    assert torch.equal(made[UNET_IN][:, :4], 0.75 * a[UNET_IN][:, :4] + 0.25 * b[UNET_IN])
    assert torch.equal(made[UNET_IN][:, 4:], a[UNET_IN][:, 4:])
    with safe_open(path, framework="pt") as file:
        recipe = json.loads(file.metadata()["sd_merge_recipe"])
    assert (recipe["is_inpainting"], recipe["is_instruct_pix2pix"]) == (channels == INPAINT, channels == EDIT)
    with pytest.raises(ParameterError, match="must be A; it is B"):
        kitchen.app.merge(Merge(primary_model_name="b", secondary_model_name="a"))


def test_no_interpolation_converts_bakes_a_vae_and_discards(kitchen):
    a = kitchen.put("a.ckpt", tensors(1))
    (kitchen.folder / "a.yaml").write_text("model: {}\n")
    vae = {"decoder.conv_in.weight": torch.full((4, 4), 0.5), "not.there": torch.zeros(1)}
    save_file(vae, kitchen.app.folders.vaes[0] / "v.safetensors")
    kitchen.app.shelves.vaes.refresh()
    fields = {"interp_method": "No interpolation", "bake_in_vae": "v.safetensors", "discard_weights": r"^model_ema\."}
    path, made = kitchen.merge(primary_model_name="a", custom_name="n", **fields)
    assert made.keys() == a.keys() - {"model_ema.decay"}
    assert torch.equal(made[VAE_KEY], vae["decoder.conv_in.weight"]) and torch.equal(made[UNET_IN], a[UNET_IN])
    assert path.with_suffix(".yaml").read_text() == "model: {}\n"
    assert not list(kitchen.folder.glob("*.part"))


def test_the_file_says_what_it_was_made_of(kitchen):
    earlier = {"sd_merge_recipe": '{"type": "webui"}', "sd_merge_models": '{"abc": {"name": "old"}}', "by": "me"}
    kitchen.put("a.safetensors", tensors(1), earlier)
    kitchen.put("b.safetensors", tensors(2))
    path, _ = kitchen.merge(**AB, metadata_json='{"note": "mine", "tags": [1]}', discard_weights="ema")
    with safe_open(path, framework="pt") as file:
        said = file.metadata()
    digests = {x: hashlib.sha256((kitchen.folder / f"{x}.safetensors").read_bytes()).hexdigest() for x in "ab"}
    assert (said["by"], said["note"], said["tags"], said["format"]) == ("me", "mine", "[1]", "pt")
    assert json.loads(said["sd_merge_recipe"]) == {
        "type": "webui", "primary_model_hash": digests["a"], "secondary_model_hash": digests["b"],
        "tertiary_model_hash": None, "interp_method": "Weighted sum", "multiplier": 0.3, "save_as_half": False,
        "custom_name": "", "config_source": 0, "bake_in_vae": "None", "discard_weights": "ema",
        "is_inpainting": False, "is_instruct_pix2pix": False,
    }  # fmt: skip
    models = json.loads(said["sd_merge_models"])
    assert models[digests["a"]]["sd_merge_recipe"] == {"type": "webui"} and models["abc"] == {"name": "old"}
    assert models[digests["b"]]["name"] == "b.safetensors" and len(models[digests["b"]]["legacy_hash"]) == 8
    bare, _ = kitchen.merge(**AB, save_metadata=False, custom_name="bare")
    with safe_open(bare, framework="pt") as file:
        assert not file.metadata()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "needs model A"),
        ({"primary_model_name": "a"}, "Weighted sum needs model B"),
        (AB | {"interp_method": "Add difference"}, "Add difference needs model C"),
        (AB | {"secondary_model_name": "wide"}, "A and B are of different kinds"),
        (AB | {"secondary_model_name": "nothing"}, "There is no checkpoint 'nothing'"),
        (AB | {"custom_name": "../../up"}, "leads out of the folder"),
        (AB | {"custom_name": "a"}, "There is a file a.safetensors already"),
        (AB | {"discard_weights": "("}, "is no regular expression"),
        (AB | {"metadata_json": "[1]"}, "The metadata is no JSON"),
        (AB | {"bake_in_vae": "none.pt"}, "There is no VAE 'none.pt'"),
    ],
)
def test_what_cannot_be_merged_is_refused_at_once(kitchen, fields, sentence):
    for seed, name in enumerate("ab"):
        kitchen.put(f"{name}.safetensors", tensors(seed))
    kitchen.put("wide.safetensors", tensors(1) | {UNET_IN: torch.zeros(16, 4, 3, 3)})
    with pytest.raises(ParameterError, match=sentence):
        kitchen.app.merge(Merge(**fields))
    with pytest.raises(Forbidden):
        kitchen.app.merge(Merge(**AB), user=User("u", Role.USER))


def test_an_interrupted_merger_leaves_nothing(kitchen):
    for seed, name in enumerate("ab"):
        kitchen.put(f"{name}.safetensors", tensors(seed))
    before = sorted(kitchen.folder.iterdir())
    kitchen.app.queue.submit("wait", lambda progress: time.sleep(0.3))
    job = kitchen.app.merge(Merge(**AB))
    job.progress.stop.interrupted = True
    with pytest.raises(Interrupted):
        job.wait(SECONDS)
    assert sorted(kitchen.folder.iterdir()) == before


def test_the_command_does_the_same(kitchen, tmp_path):
    a, b = kitchen.put("a.safetensors", tensors(1)), kitchen.put("b.safetensors", tensors(2))
    words = ["merge", "a", "b", "--multiplier", "0.6", "--custom-name", "c", "--save-as-half", "--data-dir", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "modules.tools", *map(str, words)], capture_output=True, text=True, timeout=SECONDS,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "c.safetensors" in done.stdout, done.stderr
    made = load_file(kitchen.folder / "c.safetensors")
    assert torch.equal(made[UNET_IN], ((1 - 0.6) * a[UNET_IN] + 0.6 * b[UNET_IN]).half())


def test_every_field_has_a_label():
    assert all(field.metadata for field in dataclasses.fields(Merge))
