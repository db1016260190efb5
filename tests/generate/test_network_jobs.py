"""Networks named in a prompt, embeddings by their words, VAE files: on the drawn model, through whole jobs."""

import hashlib
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.app import build
from modules.generate import infotext
from modules.generate.plan import request_from
from modules.settings.sections import Launch
from tests.conftest import draw_model

PLACES = {
    "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k": (96, 64),
    "lora_te_text_model_encoder_layers_0_mlp_fc1": (128, 64),
}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The program with a LoRA, an embedding, a hypernetwork and a VAE file in its folders."""
    data = tmp_path_factory.mktemp("data")
    checkpoint = draw_model(data / "models/Stable-diffusion")
    for folder in ("models/Lora/sub", "embeddings", "models/hypernetworks", "models/VAE"):
        (data / folder).mkdir(parents=True)
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for name, (rows, columns) in PLACES.items():
        tensors[f"{name}.lora_up.weight"] = torch.randn(rows, 2, generator=generator)
        tensors[f"{name}.lora_down.weight"] = torch.randn(2, columns, generator=generator)
    save_file(tensors, data / "models/Lora/sub/ink.safetensors", metadata={"ss_output_name": "pen"})
    save_file({"emb_params": torch.randn(3, 64, generator=generator)}, data / "embeddings/zorbl.safetensors")
    state = {"linear.0.weight": torch.randn(64, 64, generator=generator), "linear.0.bias": torch.zeros(64)}
    torch.save({64: [state, state]}, data / "models/hypernetworks/bend.pt")
    own = {k.removeprefix("first_stage_model."): v for k, v in load_file(checkpoint).items() if k.startswith("first_")}
    own["decoder.conv_out.bias"] = own["decoder.conv_out.bias"] + 0.3
    save_file(own, data / "models/VAE/bright.safetensors")
    (data / "models/Lora/torn.safetensors").write_bytes(b"x" * 50)
    made = build(Launch(data_dir=str(data)))
    yield made
    made.queue.close()


def run(app, prompt, **values):
    words = {"steps": 3, "width": 64, "height": 64, "seed": 5, "sampler_name": "Euler", "do_not_save_samples": True}
    return app.txt2img(request_from(words | {"prompt": prompt} | values)).wait(60)


def pixels(result):
    return np.asarray(result.pictures[0].image)


def tensor_hash(path):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return hashlib.sha256(content[8 + length :]).hexdigest()[:12]


@pytest.mark.parametrize("name", ["ink", "pen"])
def test_a_lora_comes_on_and_off(app, name):
    plain = pixels(run(app, "a cat"))
    inked = run(app, f"a cat<lora:{name}:0.8>")
    assert not np.array_equal(pixels(inked), plain) and inked.comments == ()
    digits = tensor_hash(app.folders.loras[0] / "sub/ink.safetensors")
    text = inked.pictures[0].infotext
    assert text.startswith(f"a cat<lora:{name}:0.8>\n") and f'Lora hashes: "{name}: {digits}"' in text
    assert np.array_equal(pixels(run(app, f"a cat<lora:{name}:0>")), plain)
    assert np.array_equal(pixels(run(app, "a cat")), plain)
    assert not np.array_equal(pixels(run(app, f"a cat<lora:{name}:0.8:0>")), pixels(inked))
    assert np.array_equal(pixels(run(app, f"a cat<lora:{name}:0.8>", disable_extra_networks=True)), plain)


def test_named_twice_counts_twice_as_said_last(app):
    twice = pixels(run(app, "a cat<lora:ink:0.1><lora:ink:0.4>"))
    assert np.array_equal(twice, pixels(run(app, "a cat<lora:ink:0.4><lora:ink:0.4>")))
    assert np.abs(twice.astype(int) - pixels(run(app, "a cat<lora:ink:0.8>"))).max() <= 1


def test_each_batch_wears_what_its_first_prompt_says(app):
    """The second pass of a hires fix as well."""
    hires = {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.5}
    same = pixels(run(app, "a cat<lora:ink:1>", **hires))
    other = pixels(run(app, "a cat<lora:ink:1>", hr_prompt="a cat", **hires))
    assert same.shape == (96, 96, 3) and not np.array_equal(same, other)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("<lora:nobody:1>", "There is no network 'nobody'; it was left out."),
        ("<lora:torn:1>", "torn.safetensors is no complete safetensors file"),
        ("<lora:ink:strong>", "<lora:ink:strong> has no number where one belongs"),
        ("<what:ink:1>", "<what:ink:1> names no kind of network known here"),
    ],
)
def test_what_cannot_be_put_on_is_told_and_the_picture_comes(app, tag, words):
    result = run(app, f"a cat{tag}")
    assert len(result.comments) == 1 and words in result.comments[0]
    assert np.array_equal(pixels(result), pixels(run(app, "a cat")))


def test_an_embedding_stands_for_its_word(app):
    result = run(app, "a zorbl, hill", negative_prompt="(zorbl:0.5)")
    assert not np.array_equal(pixels(result), pixels(run(app, "a zorbx, hill", negative_prompt="(zorbx:0.5)")))
    digits = hashlib.sha256((app.folders.embeddings / "zorbl.safetensors").read_bytes()).hexdigest()[:12]
    assert f'TI hashes: "zorbl: {digits}, zorbl: {digits}"' in result.pictures[0].infotext  # of both prompts, as A1111


def test_an_embedding_that_came_with_a_lora(app):
    content = load_file(app.folders.loras[0] / "sub/ink.safetensors")
    words = torch.randn(2, 64, generator=torch.Generator().manual_seed(5))
    save_file(content | {"bundle_emb.quux.string_to_param.*": words}, app.folders.loras[0] / "withword.safetensors")
    own = run(app, "a quux<lora:withword:1>")
    assert own.comments == () and not np.array_equal(pixels(own), pixels(run(app, "a quux<lora:ink:1>")))


def test_taesd_that_is_not_there_is_told(app):
    result = run(app, "a cat", override_settings={"sd_vae_decode_method": "TAESD"})
    assert "taesd_decoder.pth is not there" in result.comments[0]
    assert np.array_equal(pixels(result), pixels(run(app, "a cat")))


def test_a_hypernetwork_bends_and_lets_go(app):
    plain = pixels(run(app, "a cat"))
    bent = pixels(run(app, "a cat<hypernet:bend:0.5>"))
    assert not np.array_equal(bent, plain) and np.array_equal(pixels(run(app, "a cat")), plain)


def test_a_vae_file_by_option_and_by_hash(app):
    plain, option = pixels(run(app, "a cat")).astype(int), {"override_settings": {"sd_vae": "bright.safetensors"}}
    bright = run(app, "a cat", **option)
    assert (pixels(bright) - plain).mean() > 5
    text = bright.pictures[0].infotext
    digits = hashlib.sha256((app.folders.vaes[0] / "bright.safetensors").read_bytes()).hexdigest()[:10]
    assert f"VAE hash: {digits}, VAE: bright.safetensors" in text
    view = app.options.view()
    renamed = text.replace("VAE: bright", "VAE: another").replace("a cat", "a cat<lora:theirs:1>", 1)
    renamed += f', Lora hashes: "theirs: {tensor_hash(app.folders.loras[0] / "sub/ink.safetensors")}"'
    reading = infotext.read(renamed, view.specs(), local=app.local_name)
    assert reading.overrides["sd_vae"] == "bright.safetensors"
    assert reading.values["prompt"] == "a cat<lora:ink:1>" and not reading.unknown
    missing = run(app, "a cat", override_settings={"sd_vae": "gone.safetensors"})
    assert missing.comments == ("There is no VAE 'gone.safetensors'; the checkpoint's own was used.",)
    assert np.array_equal(pixels(missing), plain)


def test_by_hooks_the_picture_is_the_same(app):
    hooked = {"override_settings": {"lora_functional": True}}
    one, other = (pixels(run(app, "a cat<lora:ink:0.5>", **values)).astype(int) for values in ({}, hooked))
    assert np.abs(one - other).max() <= 1


def test_a_file_dropped_in_is_there_and_one_taken_away_is_not(app):
    folder = app.folders.loras[0]
    content = load_file(folder / "sub/ink.safetensors")
    save_file(content, folder / "fresh.safetensors")
    fresh = run(app, "a cat<lora:fresh:1>")
    assert fresh.comments == () and np.array_equal(pixels(fresh), pixels(run(app, "a cat<lora:ink:1>")))
    (folder / "fresh.safetensors").unlink()
    assert "There is no network 'fresh'" in run(app, "a cat<lora:fresh:1>").comments[0]


def test_a_request_for_one_image_of_a_batch_names_its_networks(app):
    batch = run(app, "a cat<lora:ink:0.7>", batch_size=2, n_iter=2)
    reading = infotext.read(batch.pictures[3].infotext, app.options.view().specs(), local=app.local_name)
    alone = app.txt2img(replace(reading.request(), do_not_save_samples=True)).wait(60)
    assert np.abs(np.asarray(alone.pictures[0].image, int) - np.asarray(batch.pictures[3].image)).max() <= 1
