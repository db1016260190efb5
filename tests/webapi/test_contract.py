"""Names, types and defaults of every route, as clients written for A1111 expect them."""

import base64
import io
import json

import pytest
from PIL import Image

from modules.generate.request import Txt2Img
from modules.imaging import metadata
from modules.webapi import images, schemas

# (type, default) by field, from the OpenAPI description that A1111 1.8.0 serves.
A1111_FIELDS = {
    "prompt": ("string", ""),
    "negative_prompt": ("string", ""),
    "styles": ("array", None),
    "seed": ("integer", -1),
    "subseed": ("integer", -1),
    "subseed_strength": ("number", 0),
    "seed_resize_from_h": ("integer", -1),
    "seed_resize_from_w": ("integer", -1),
    "sampler_name": ("string", None),
    "batch_size": ("integer", 1),
    "n_iter": ("integer", 1),
    "steps": ("integer", 50),
    "cfg_scale": ("number", 7.0),
    "width": ("integer", 512),
    "height": ("integer", 512),
    "restore_faces": ("boolean", None),
    "tiling": ("boolean", None),
    "do_not_save_samples": ("boolean", False),
    "do_not_save_grid": ("boolean", False),
    "eta": ("number", None),
    "denoising_strength": ("number", None),
    "s_min_uncond": ("number", None),
    "s_churn": ("number", None),
    "s_tmax": ("number", None),
    "s_tmin": ("number", None),
    "s_noise": ("number", None),
    "override_settings": ("object", None),
    "override_settings_restore_afterwards": ("boolean", True),
    "refiner_checkpoint": ("string", None),
    "refiner_switch_at": ("number", None),
    "disable_extra_networks": ("boolean", False),
    "firstpass_image": ("string", None),
    "comments": ("object", None),
    "enable_hr": ("boolean", False),
    "firstphase_width": ("integer", 0),
    "firstphase_height": ("integer", 0),
    "hr_scale": ("number", 2.0),
    "hr_upscaler": ("string", None),
    "hr_second_pass_steps": ("integer", 0),
    "hr_resize_x": ("integer", 0),
    "hr_resize_y": ("integer", 0),
    "hr_checkpoint_name": ("string", None),
    "hr_sampler_name": ("string", None),
    "hr_prompt": ("string", ""),
    "hr_negative_prompt": ("string", ""),
    "force_task_id": ("string", None),
    "sampler_index": ("string", "Euler"),
    "script_name": ("string", None),
    "script_args": ("array", []),
    "send_images": ("boolean", True),
    "save_images": ("boolean", False),
    "alwayson_scripts": ("object", {}),
    "infotext": ("string", None),
}
INFO_KEYS = [
    "prompt", "all_prompts", "negative_prompt", "all_negative_prompts", "seed", "all_seeds",
    "subseed", "all_subseeds", "subseed_strength", "width", "height", "sampler_name",
    "cfg_scale", "steps", "batch_size", "restore_faces", "face_restoration_model", "sd_model_name",
    "sd_model_hash", "sd_vae_name", "sd_vae_hash", "seed_resize_from_w", "seed_resize_from_h", "denoising_strength",
    "extra_generation_params", "index_of_first_image", "infotexts", "styles", "job_timestamp", "clip_skip",
    "is_using_inpainting_conditioning", "version",
]  # fmt: skip
WEBUIAPI = {  # what the client library of that name sends with every request
    "scheduler": "automatic",
    "sampler_name": "Euler a",
    "sampler_index": "Euler a",
    "hr_upscaler": "Latent",
    "hr_scheduler": None,
    "eta": 1.0,
    "s_churn": 0,
    "s_tmax": 0,
    "s_tmin": 0,
    "s_noise": 1,
    "firstphase_width": 0,
    "firstphase_height": 0,
    "styles": [],
    "override_settings": {},
    "override_settings_restore_afterwards": True,
    "script_args": [],
    "alwayson_scripts": {},
    "denoising_strength": 0.7,
}
SMALL = {"steps": 2, "width": 16, "height": 16, "seed": 7}


def described(schema):
    """(type, default) of a property; a type or null counts as the type."""
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    return kinds[0]["type"], schema.get("default")


def opened(text):
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))


def ask(client, **body):
    answer = client.post("/sdapi/v1/txt2img", json={**SMALL, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_field_of_a1111_has_its_type_and_default(client):
    found = client.get("/openapi.json").json()["components"]["schemas"]["StableDiffusionProcessingTxt2Img"][
        "properties"
    ]
    for name, (kind, default) in A1111_FIELDS.items():
        ours = described(found[name])
        assert ours[0] == kind, name
        # A1111's null means its own false, 0, {} or []; ours says so
        assert ours[1] == default or (default is None and not ours[1]), name
    assert found["steps"]["minimum"] == 1 and found["steps"]["maximum"] == 9999
    assert found["width"]["title"] == "Width"
    assert set(schemas.API_DEFAULTS) <= set(A1111_FIELDS)


def test_every_parameter_of_a_request_is_in_the_body():
    assert set(Txt2Img.__dataclass_fields__) <= set(schemas.model(Txt2Img).model_fields)


def test_txt2img_answers_pictures_parameters_and_info(client):
    answer = ask(client, prompt="a castle", negative_prompt="blurry", cfg_scale=5)
    assert list(answer) == ["images", "parameters", "info"]
    image = opened(answer["images"][0])
    assert (image.format, image.size, image.getpixel((0, 0))) == ("PNG", (16, 16), (7, 7, 7))
    info = json.loads(answer["info"])
    assert list(info) == INFO_KEYS
    assert metadata.read_text(image)[0] == info["infotexts"][0]
    assert info["infotexts"][0].startswith(
        "a castle\nNegative prompt: blurry\nSteps: 2, Sampler: Euler, CFG scale: 5.0, Seed: 7"
    )
    assert info["all_seeds"] == [7] and info["seed"] == 7 and info["sampler_name"] == "Euler"
    assert info["sd_model_name"] == "tiny" and info["clip_skip"] == 1 and info["index_of_first_image"] == 0
    assert answer["parameters"]["prompt"] == "a castle" and answer["parameters"]["steps"] == 2
    assert set(A1111_FIELDS) <= set(answer["parameters"])


def test_defaults_are_the_apis_and_null_means_the_default(client):
    answer = ask(client, steps=None, width=None, cfg_scale=None, override_settings=None, seed=None, nobody_knows_this=1)
    info = json.loads(answer["info"])
    assert (info["steps"], info["width"], info["cfg_scale"], info["sampler_name"]) == (50, 512, 7.0, "Euler")
    assert info["seed"] >= 0


def test_a_grid_comes_first_and_is_counted(client):
    answer = ask(client, batch_size=2, n_iter=2, save_images=True, override_settings={"samples_save": False})
    info = json.loads(answer["info"])
    assert len(answer["images"]) == 5 == len(info["infotexts"])
    assert info["index_of_first_image"] == 1 and info["all_seeds"] == [7, 8, 9, 10]
    assert [opened(one).getpixel((0, 0))[0] for one in answer["images"][1:]] == [7, 8, 9, 10]


def test_without_save_images_nothing_is_saved_and_no_grid_made(client, program):
    asked = []
    program.engine.run, original = (
        lambda plan, *rest: asked.append(plan) or original(plan, *rest),
        program.engine.run,
    )
    try:
        answer = ask(client, batch_size=2)
        ask(client, save_images=True)
    finally:
        del program.engine.run
    assert len(answer["images"]) == 2
    assert [(one.request.do_not_save_samples, one.request.do_not_save_grid) for one in asked] == [
        (True, True),
        (False, False),
    ]


def test_images_can_be_left_out(client):
    answer = ask(client, send_images=False)
    assert answer["images"] == [] and json.loads(answer["info"])["seed"] == 7


def test_images_have_the_format_they_would_be_saved_in(client):
    answer = ask(client, override_settings={"samples_format": "jpg"})
    image = opened(answer["images"][0])
    assert image.format == "JPEG" and "Seed: 7" in metadata.read_text(image)[0]


@pytest.mark.parametrize(
    ("sent", "sampler"),
    [
        ({}, "Euler"),
        ({"sampler_index": "Euler a"}, "Euler a"),
        ({"sampler_name": "", "sampler_index": "Euler a"}, "Euler a"),
        ({"sampler_name": "k_euler_a"}, "Euler a"),
        ({"sampler_name": "DPM++ 2M Karras"}, "DPM++ 2M Karras"),
        ({"sampler_name": "DPM++ 2M", "scheduler": "karras"}, "DPM++ 2M"),
        (WEBUIAPI, "Euler a"),
    ],
)
def test_samplers_go_by_all_their_names(client, sent, sampler):
    assert json.loads(ask(client, **sent)["info"])["sampler_name"] == sampler


def test_a_schedule_not_said_stays_out_of_the_text(client):
    assert "Schedule type" not in json.loads(ask(client, sampler_name="DPM++ 2M")["info"])["infotexts"][0]
    automatic = json.loads(ask(client, sampler_name="DPM++ 2M", scheduler="automatic")["info"])["infotexts"][0]
    assert "Sampler: DPM++ 2M, Schedule type: Karras" in automatic


def test_an_infotext_fills_only_what_is_not_said(client):
    text = "a moon\nNegative prompt: sun\nSteps: 3, Sampler: Euler a, CFG scale: 4, Seed: 99, Size: 24x32, Clip skip: 2"
    answer = ask(client, infotext=text, prompt="a star", override_settings={"randn_source": "CPU"})
    info = json.loads(answer["info"])
    assert (info["prompt"], info["negative_prompt"], info["sampler_name"]) == ("a star", "sun", "Euler a")
    assert (info["steps"], info["seed"], info["width"], info["cfg_scale"]) == (2, 7, 16, 4)  # SMALL says three of them
    assert info["clip_skip"] == 2 and "RNG: CPU" in info["infotexts"][0]
    assert json.loads(ask(client, infotext=text, sampler_index="Euler")["info"])["sampler_name"] == "Euler"


def test_override_settings_hold_for_one_request_unless_asked_to_stay(client, program):
    skip = {"override_settings": {"CLIP_stop_at_last_layers": 3}}
    assert json.loads(ask(client, **skip)["info"])["clip_skip"] == 3
    assert program.options.view().CLIP_stop_at_last_layers == 1
    ask(client, **skip, override_settings_restore_afterwards=False)
    assert program.options.view().CLIP_stop_at_last_layers == 3
    program.options.change({"CLIP_stop_at_last_layers": 1})


def test_overrides_of_what_a1111_reads_before_them_do_nothing(client, png):
    def text(**wishes):
        body = {"init_images": [png], "steps": 2, "width": 16, "height": 16, **wishes}
        return json.loads(client.post("/sdapi/v1/img2img", json=body).json()["info"])["infotexts"][0]

    assert "Noise multiplier" not in text(override_settings={"initial_noise_multiplier": 0.8})
    assert "Noise multiplier: 0.8" in text(initial_noise_multiplier=0.8)
    assert "Noise multiplier: 0.8" in text(infotext="a cat\nSteps: 2, Sampler: Euler, Seed: 1, Noise multiplier: 0.8")


def test_soft_inpainting_is_an_always_on_script(client, png):
    assert "soft inpainting" in client.get("/sdapi/v1/scripts").json()["img2img"]
    info = next(one for one in client.get("/sdapi/v1/script-info").json() if one["name"] == "soft inpainting")
    assert info["is_alwayson"] and info["args"][2] == {
        "label": "Preservation strength", "value": 0.5, "minimum": 0, "maximum": 8, "step": 0.05, "choices": None
    }  # fmt: skip
    body = {"init_images": [png], "mask": png, "steps": 2, "width": 16, "height": 16}
    for title, args in (("soft inpainting", [True, 1, 0.25]), ("Soft Inpainting", [False])):
        answer = client.post("/sdapi/v1/img2img", json=body | {"alwayson_scripts": {title: {"args": args}}}).json()
        text = json.loads(answer["info"])["infotexts"][0]
        assert ("Soft inpainting enabled: True" in text and "preservation strength: 0.25" in text) == args[0]


def test_samplers_and_schedulers(client):
    found = {one["name"]: one for one in client.get("/sdapi/v1/samplers").json()}
    assert found["Euler a"] == {
        "name": "Euler a",
        "aliases": ["k_euler_a", "k_euler_ancestral"],
        "options": {"uses_ensd": "True"},
    }
    schedules = client.get("/sdapi/v1/schedulers").json()
    assert schedules[0] == {
        "name": "automatic",
        "label": "Automatic",
        "aliases": None,
        "default_rho": -1.0,
        "need_inner_model": False,
    }
    karras = next(one for one in schedules if one["name"] == "karras")
    assert karras["label"] == "Karras" and karras["default_rho"] == 7.0


def test_sd_models_and_refresh(client, program):
    (only,) = client.get("/sdapi/v1/sd-models").json()
    assert list(only) == ["title", "model_name", "hash", "sha256", "filename", "config"]
    assert only["title"] == "tiny.safetensors" and only["model_name"] == "tiny"
    folder = program.folders.models / "Stable-diffusion"
    (folder / "other.safetensors").write_bytes(b"")
    (folder / "other.yaml").write_text("")
    try:
        assert client.post("/sdapi/v1/refresh-checkpoints").json() is None
        other = client.get("/sdapi/v1/sd-models").json()[0]
        assert other["model_name"] == "other" and other["config"] == str(folder / "other.yaml")
    finally:
        (folder / "other.safetensors").unlink()
        (folder / "other.yaml").unlink()
        program.library.scan()


def test_options_can_be_read_and_written_back_whole(client, program):
    told = client.get("/sdapi/v1/options").json()
    assert told["samples_format"] == "png" and told["sd_checkpoint_hash"] == ""
    assert told["sd_model_checkpoint"] == "tiny.safetensors"  # none is chosen: the one that is meant
    assert client.post("/sdapi/v1/options", json=told).json() is None
    assert client.post("/sdapi/v1/options", json={"samples_format": "webp"}).status_code == 200
    assert client.get("/sdapi/v1/options").json()["samples_format"] == "webp"
    assert json.loads(program.folders.config.read_text())["samples_format"] == "webp"
    client.post("/sdapi/v1/options", json={"samples_format": "png"})


def test_a_checkpoint_may_be_chosen_by_any_of_its_names(client, program):
    program.options.change({"sd_model_checkpoint": ""})
    assert client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny"}).status_code == 200
    assert program.options.view().sd_model_checkpoint == "tiny.safetensors"


def test_flags_are_told_but_no_passwords(client, tmp_path):
    told = client.get("/sdapi/v1/cmd-flags").json()
    assert told["port"] == 7860 and told["listen"] is False and told["ckpt_dir"] is None and told["use_cpu"] == []
    assert {"gradio_auth", "api_auth"} <= set(told)


def test_progress_of_an_idle_server(client):
    told = client.get("/sdapi/v1/progress").json()
    assert told["progress"] == 0.0 and told["eta_relative"] == 0.0 and told["current_image"] is None
    assert list(told["state"]) == [
        "skipped", "interrupted", "stopping_generation", "job", "job_count", "job_timestamp", "job_no",
        "sampling_step", "sampling_steps",
    ]  # fmt: skip
    assert told["state"]["job_count"] == 0 and told["state"]["job"] == ""


def test_png_info_reads_what_txt2img_wrote(client):
    made = ask(client, prompt="a, castle: red", negative_prompt="blurry")
    for image in (made["images"][0], "data:image/png;base64," + made["images"][0]):
        told = client.post("/sdapi/v1/png-info", json={"image": image}).json()
        assert list(told) == ["info", "items", "parameters"]
        assert told["info"] == json.loads(made["info"])["infotexts"][0]
        assert told["parameters"]["Prompt"] == "a, castle: red" and told["parameters"]["Negative prompt"] == "blurry"
        assert (told["parameters"]["Size-1"], told["parameters"]["Size-2"], told["parameters"]["Steps"]) == (
            "16",
            "16",
            "2",
        )


def test_png_info_of_a_picture_without_text(client):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    told = client.post("/sdapi/v1/png-info", json={"image": base64.b64encode(buffer.getvalue()).decode()}).json()
    assert told == {"info": "", "items": {}, "parameters": {}}


def test_a_pair_that_is_a_size_comes_as_two_numbers():
    assert images.parameters("x\nSteps: 1, Size: 8x9, Seed: 2, Note: 8xa") == {
        "Prompt": "x", "Negative prompt": "", "Steps": "1", "Size-1": "8", "Size-2": "9", "Seed": "2", "Note": "8xa",
    }  # fmt: skip


def test_every_answer_says_how_long_it_took(client):
    for path in ("/internal/ping", "/sdapi/v1/nothing", "/nowhere"):
        assert float(client.get(path).headers["x-process-time"]) >= 0
