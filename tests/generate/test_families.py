"""The pictures that AUTOMATIC1111 made with the other kinds of checkpoints: SD 2, SDXL, inpainting, editing."""

import gzip
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from modules.app import build
from modules.exceptions import MissingNetwork, ParameterError, UnknownArchitecture
from modules.generate.infotext import read
from modules.generate.plan import request_from
from modules.generate.request import Img2Img, Txt2Img
from modules.settings.sections import Launch
from modules.weights.devices import place
from modules.weights.inputs import edits
from modules.weights.loader import load
from tests.conftest import GOLDEN, draw_model, drawn

FAMILIES = GOLDEN / "families"
CASES = json.loads((FAMILIES / "pictures.json").read_text())


def raw_tensors(name):
    """The tensors of a recipe that are not drawn; most are those of the model it is like."""
    own = FAMILIES / f"{name}.raw.safetensors"
    if not own.exists():
        return load_file(GOLDEN / f"model/{name}.raw.safetensors")
    return raw_tensors(recipe(name)["like"]) | load_file(own)


def recipe(name):
    return json.loads(gzip.decompress((FAMILIES / f"{name}.json.gz").read_bytes()))


def draw_family(name: str, folder: Path) -> None:
    """NAME.safetensors with its sidecar, byte for byte the file behind the golden pictures."""
    raw, plan = raw_tensors(name), recipe(name)
    tensors = {
        key: (drawn(key, shape, **how) if how else raw[key]).astype(kind).reshape(shape)
        for key, kind, shape, how in plan["tensors"]
    }
    save_file(tensors, folder / f"{name}.safetensors", metadata=plan["metadata"])
    shutil.copy(FAMILIES / f"{name}.yaml", folder)


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    """A program over one checkpoint of each kind."""
    data = tmp_path_factory.mktemp("families")
    folder = data / "models/Stable-diffusion"
    draw_model(folder)
    for file in FAMILIES.glob("tiny-ViT-*.json"):
        shutil.copy(file, folder)
    for file in FAMILIES.glob("*.json.gz"):
        draw_family(file.name.removesuffix(".json.gz"), folder)
    made = build(Launch(data_dir=str(data)))
    yield made
    made.queue.close()


def opened(value):
    with Image.open(FAMILIES / value) as image:
        return image.copy()


def asked(values):
    """A recorded request, its pictures opened."""
    values = values | {"do_not_save_samples": True, "do_not_save_grid": True, "scheduler": None}
    if "init_images" not in values:
        return request_from(values, Txt2Img)
    values["init_images"] = [opened(name) for name in values["init_images"]]
    if "mask" in values:
        values["mask"] = opened(values["mask"])
    return request_from(values, Img2Img)


def plain(infotext):
    """Without the version; whole numbers without a fraction."""
    return re.sub(r", Version: [^,]*|(?<=: \d)\.0(?=,)", "", infotext)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_picture_is_a1111s(case, families):
    result = families.generate(asked(case["request"])).wait(120)
    assert len(result.pictures) == len(case["pictures"])
    for made, name, text in zip(result.pictures, case["pictures"], case["infotexts"], strict=True):
        theirs = np.asarray(opened(name).convert("RGB"), np.int16)
        assert np.abs(np.asarray(made.image, np.int16) - theirs).max() <= 1
        assert plain(made.infotext) == plain(text)


def test_a_latent_hires_pass_of_an_inpainting_model(families):
    """A1111 fails there; here the model is shown what the first pass drew, as far as the mask weight lets it."""
    values = {"width": 64, "height": 64, "steps": 2, "enable_hr": True, "hr_upscaler": "Latent", "hr_scale": 1.5}
    options = {"sd_model_checkpoint": "tiny-sd1-inpainting"}
    hidden, shown = (
        families.generate(
            asked(values | {"seed": 1, "override_settings": options | {"inpainting_mask_weight": weight}})
        )
        .wait(120)
        .pictures[0]
        for weight in (1, 0.25)
    )
    assert hidden.image.size == (96, 96) and hidden.image.tobytes() != shown.image.tobytes()
    assert read(shown.infotext, families.options.view().specs()).overrides["inpainting_mask_weight"] == 0.25


def test_an_editing_model_draws_without_a_picture_too(families):
    values = {"width": 64, "height": 64, "steps": 2, "override_settings": {"sd_model_checkpoint": "tiny-ip2p"}}
    assert families.generate(asked(values)).wait(120).pictures[0].image.size == (64, 64)


def test_how_near_it_stays_is_told_of_editing_models_only(families):
    values = {"width": 64, "height": 64, "steps": 2, "seed": 1, "init_images": ["init128.png"], "image_cfg_scale": 1.2}

    def text(name):
        made = families.generate(asked(values | {"override_settings": {"sd_model_checkpoint": name}})).wait(120)
        return made.pictures[0].infotext

    assert "Image CFG scale: 1.2" in text("tiny-ip2p") and "Image CFG" not in text("tiny-sd1")
    told = {one.model_name: edits(one) for one in families.library.checkpoints()}
    assert told.pop("tiny-ip2p") and told and not any(told.values())


def test_the_scores_and_the_sizes_reach_the_refiner(families):
    values = {"width": 64, "height": 64, "steps": 2, "seed": 1, "prompt": "a castle"}
    options = {"sd_model_checkpoint": "tiny-sdxl-refiner"}
    changes = (
        {},
        {"sdxl_refiner_high_aesthetic_score": 1.0},
        {"sdxl_refiner_low_aesthetic_score": 9.0},
        {"sdxl_crop_top": 64},
    )
    made = {
        families.generate(asked(values | {"override_settings": options | change})).wait(120).pictures[0].image.tobytes()
        for change in changes
    }
    assert len(made) == len(changes)


@pytest.fixture(scope="module")
def relatives(families):
    """Beside SDXL: a pruned one as SSD-1B is, and one that edits; no yaml says so."""
    folder = families.library.find("tiny-sdxl").path.parent
    tensors = load_file(folder / "tiny-sdxl.safetensors")
    pruned = {key: one for key, one in tensors.items() if not re.search(r"middle_block\.[12]\.", key)}
    deep = [key for key in pruned if re.search(r"output_blocks\.[01]\.1\.transformer_blocks\.[1-9]", key)]
    for key in deep:
        del pruned[key]
    assert deep and len(pruned) < len(tensors) - len(deep)
    save_file(pruned, folder / "pruned-xl.safetensors")
    first = "model.diffusion_model.input_blocks.0.0.weight"
    blind = np.concatenate([tensors[first], np.zeros_like(tensors[first])], axis=1)
    save_file(tensors | {first: blind}, folder / "edit-xl.safetensors")
    for name in ("pruned-xl", "edit-xl"):
        shutil.copy(folder / "tiny-sdxl.yaml", folder / f"{name}.yaml")
    families.library.scan()
    return pruned


def test_a_pruned_sdxl_is_read_block_by_block(families, relatives):
    values = {"width": 64, "height": 64, "steps": 2, "prompt": "a castle", "seed": 1}
    picture = families.generate(asked(values | {"override_settings": {"sd_model_checkpoint": "pruned-xl"}})).wait(120)
    assert picture.pictures[0].image.size == (64, 64)
    whole = families.generate(asked(values | {"override_settings": {"sd_model_checkpoint": "tiny-sdxl"}})).wait(120)
    assert picture.pictures[0].image.tobytes() != whole.pictures[0].image.tobytes()


def test_an_editing_sdxl_that_looks_at_nothing_draws_as_sdxl(families, relatives):
    values = {"width": 64, "height": 64, "steps": 2, "prompt": "a castle", "seed": 1}
    made = [
        families.generate(asked(values | {"override_settings": {"sd_model_checkpoint": name}})).wait(120).pictures[0]
        for name in ("edit-xl", "tiny-sdxl")
    ]
    assert made[0].image.tobytes() == made[1].image.tobytes()


@pytest.fixture(scope="module")
def deep(families):
    """Checkpoints with a fifth channel: one that looks at it, and one that does not."""
    folder = families.library.find("tiny-sd1").path.parent
    tensors = load_file(folder / "tiny-sd1.safetensors")
    first = "model.diffusion_model.input_blocks.0.0.weight"
    for name, gain in (("deep", 1), ("deep-blind", 0)):
        wide = np.concatenate([tensors[first], gain * tensors[first][:, :1]], axis=1)
        save_file(tensors | {first: wide}, folder / f"{name}.safetensors")
        shutil.copy(folder / "tiny-sd1.yaml", folder / f"{name}.yaml")
    families.library.scan()


def estimator(folder):
    """A tiny DPT network of drawn weights."""
    import torch
    from transformers import DPTConfig, DPTForDepthEstimation

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 16}
    necks = {"neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8, "backbone_out_indices": [0, 1, 2, 3]}
    made = DPTForDepthEstimation(DPTConfig(image_size=64, patch_size=16, is_hybrid=False, **sizes, **necks))
    made.save_pretrained(folder)


def test_a_model_that_is_given_depth(families, deep):
    image = Image.fromarray(np.random.RandomState(1).randint(0, 255, (64, 64, 3), np.uint8))
    values = {"width": 64, "height": 64, "steps": 3, "seed": 1, "prompt": "a castle", "do_not_save_samples": True}

    def drawn_by(name, kind=Img2Img, **changes):
        wishes = values | {"override_settings": {"sd_model_checkpoint": name}} | changes
        return families.generate(request_from(wishes, kind)).wait(120).pictures[0].image.tobytes()

    over = {"init_images": [image]}
    with pytest.raises(ParameterError, match="use it in img2img"):
        drawn_by("deep", Txt2Img)
    with pytest.raises(MissingNetwork, match="midas"):
        drawn_by("deep", **over)
    folder = families.folders.models / "midas" / "tiny"
    estimator(folder)
    assert drawn_by("deep-blind", **over) == drawn_by("tiny-sd1", **over) != drawn_by("deep", **over)
    assert drawn_by("deep", **over, resize_mode=3, width=96)


@pytest.fixture(scope="module")
def unclip(families):
    """A model of SD 2 that is told a picture, with a tiny image encoder; other files have lost or shut it."""
    folder = families.library.find("tiny-sd2-v").path.parent
    tensors = load_file(folder / "tiny-sd2-v.safetensors")
    rng, unet = np.random.default_rng(0), "model.diffusion_model."
    out = tensors[unet + "time_embed.2.bias"].shape[0]

    def of(*shape):
        return (rng.standard_normal(shape) / max(1, np.prod(shape[1:])) ** 0.5).astype(np.float32)

    told = {
        "label_emb.0.0.weight": of(out, 32),
        "label_emb.0.0.bias": of(out) * 0.1,
        "label_emb.0.2.weight": of(out, out),
        "label_emb.0.2.bias": of(out) * 0.1,
    }
    eye = {
        "class_embedding": of(32),
        "positional_embedding": of(10, 32),
        "conv1.weight": of(32, 3, 4, 4),
        "proj": of(32, 16),
    }
    norms = ["ln_pre", "ln_post"]
    for i in range(2):
        block = f"transformer.resblocks.{i}."
        norms += [block + "ln_1", block + "ln_2"]
        layers = {"attn.out_proj": (32, 32), "mlp.c_fc": (64, 32), "mlp.c_proj": (32, 64)}
        for name, shape in layers.items():
            eye |= {f"{block}{name}.weight": of(*shape), f"{block}{name}.bias": of(shape[0]) * 0.1}
        eye |= {block + "attn.in_proj_weight": of(96, 32), block + "attn.in_proj_bias": of(96) * 0.1}
    eye |= {f"{one}.weight": 1 + of(32) * 0.1 for one in norms} | {f"{one}.bias": of(32) * 0.1 for one in norms}
    blind = tensors | {unet + key: one for key, one in told.items()}
    save_file(blind, folder / "unclip-blind.safetensors")
    whole = blind | {"embedder.model.visual." + key: one for key, one in eye.items()}
    save_file(whole, folder / "unclip.safetensors")
    save_file(whole | {"embedder.model.visual.proj": 0 * eye["proj"]}, folder / "unclip-closed.safetensors")
    for name in ("unclip", "unclip-blind", "unclip-closed"):
        shutil.copy(folder / "tiny-sd2-v.yaml", folder / f"{name}.yaml")
    families.library.scan()
    return eye


def seen_by(eye, picture):
    """The same encoder written down from the paper's figure, with torch's own attention: [1, 16]."""
    import torch
    from torch.nn import functional

    eye = {key: torch.from_numpy(one) for key, one in eye.items()}

    def norm(x, name):
        return functional.layer_norm(x, (32,), eye[name + ".weight"], eye[name + ".bias"])

    patches = functional.conv2d(picture, eye["conv1.weight"], stride=4).flatten(2).mT
    x = torch.cat([eye["class_embedding"].expand(1, 1, 32), patches], dim=1) + eye["positional_embedding"]
    x = norm(x, "ln_pre").transpose(0, 1)
    for i in range(2):
        block = f"transformer.resblocks.{i}."
        bias, weight = eye[block + "attn.in_proj_bias"], eye[block + "attn.in_proj_weight"]
        out = eye[block + "attn.out_proj.weight"], eye[block + "attn.out_proj.bias"]
        y = norm(x, block + "ln_1")
        settings = {"need_weights": False, "training": False}
        x = (
            x
            + functional.multi_head_attention_forward(
                y, y, y, 32, 16, weight, bias, None, None, False, 0.0, *out, **settings
            )[0]
        )
        wide = functional.linear(norm(x, block + "ln_2"), eye[block + "mlp.c_fc.weight"], eye[block + "mlp.c_fc.bias"])
        wide = wide * torch.sigmoid(1.702 * wide)
        x = x + functional.linear(wide, eye[block + "mlp.c_proj.weight"], eye[block + "mlp.c_proj.bias"])
    return norm(x[0], "ln_post") @ eye["proj"]


def test_an_unclip_model_sees_as_open_clip_does(families, unclip):
    import torch
    from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

    sight = load(families.library.find("unclip"), place(use_cpu=True)).sight
    pixels = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mean, deviation = (torch.tensor(one)[:, None, None] for one in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
    wanted = seen_by(unclip, ((pixels + 1) / 2 - mean) / deviation)
    told = sight(pixels)
    assert torch.allclose(told[:, :16].cpu(), wanted, atol=1e-4)
    assert told[0, 16:].tolist() == [1] * 8 + [0] * 8


def test_an_unclip_model_draws_by_what_it_sees_and_without_a_picture(families, unclip):
    values = {"width": 64, "height": 64, "steps": 2, "seed": 1, "prompt": "a castle"}
    over = {"init_images": ["init128.png"], "denoising_strength": 0.9}

    def drawn_by(name, values):
        request = asked(values | {"override_settings": {"sd_model_checkpoint": name}})
        return families.generate(request).wait(120).pictures[0].image.tobytes()

    assert drawn_by("unclip", values | over) != drawn_by("unclip-closed", values | over)
    assert drawn_by("unclip", values) == drawn_by("unclip-closed", values)


def test_an_unclip_model_that_lost_its_image_encoder_is_named(families, unclip):
    with pytest.raises(UnknownArchitecture, match="without its image encoder"):
        families.generate(asked({"override_settings": {"sd_model_checkpoint": "unclip-blind"}})).wait(120)
