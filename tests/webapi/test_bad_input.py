"""Whatever is sent: one sentence, the right status, and the next request works."""

import base64

import pytest

from modules import exceptions

JSON = {"Content-Type": "application/json"}
SMALL = {"steps": 1, "width": 16, "height": 16}


def refused(answer, status, *words):
    """The error body; its sentence holds all these words."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert list(body) == ["error", "detail", "body", "errors"]
    assert body["detail"] == body["errors"] and "\n" not in body["errors"] and "Traceback" not in answer.text
    assert body["errors"][-1] in ".?" and len(body["errors"]) < 300
    for word in words:
        assert word in body["errors"]
    return body


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"sampler_name": "Euler z"}, 404, ("Euler z", "did you mean 'Euler")),
        ({"scheduler": "Caras"}, 404, ("Caras",)),
        ({"override_settings": {"sd_model_checkpoint": "none such"}}, 404, ("none such",)),
        ({"override_settings": {"jpeg_qualty": 3}}, 404, ("jpeg_qualty", "jpeg_quality")),
        ({"override_settings": {"jpeg_quality": 300}}, 422, ("jpeg_quality", "1 to 100")),
        ({"override_settings": {"jpeg_quality": None}}, 422, ("jpeg_quality",)),
        ({"override_settings": [1]}, 422, ("override_settings",)),
        ({"width": 0}, 422, ("width", "8 to 16384")),
        ({"steps": 0}, 422, ("steps", "1 to 9999")),
        ({"steps": "many"}, 422, ("steps", "many")),
        ({"steps": 2.5}, 422, ("steps", "whole number")),
        ({"steps": [3]}, 422, ("steps",)),
        ({"prompt": 5}, 422, ("prompt",)),
        ({"batch_size": 10**30}, 422, ("batch_size",)),
        ({"seed": 10**400}, 422, ("seed",)),
        ({"cfg_scale": 10**400}, 422, ("cfg_scale",)),
        ({"hr_scale": "x"}, 422, ("hr_scale",)),
        ({"force_task_id": "x" * 300}, 422, ("force_task_id", "200")),
        ({"infotext": "x\nSteps: 0, Sampler: Euler, Seed: 1", "sampler_name": "none such"}, 404, ("none such",)),
        ({"restore_faces": True}, 501, ("restore_faces",)),
        ({"refiner_checkpoint": "x.safetensors"}, 404, ("x.safetensors",)),
        ({"script_name": "no such script"}, 422, ("no such script",)),
        ({"alwayson_scripts": {"ControlNet": {"args": []}}}, 422, ("ControlNet",)),
        ({"alwayson_scripts": {"Soft Inpainting": {"args": []}}}, 422, ("Soft Inpainting",)),  # img2img's alone
    ],
)
def test_txt2img(client, body, status, words):
    refused(client.post("/sdapi/v1/txt2img", json={**SMALL, **body}), status, *words)


@pytest.mark.parametrize(
    ("soft", "words"),
    [
        ([True], ("alwayson_scripts", "args")),
        ({"args": {}}, ("alwayson_scripts", "args")),
        ({"args": [True] * 8}, ("alwayson_scripts", "7")),
        ({"args": [True, "x"]}, ("Schedule bias", "x")),
        ({"args": [True, -1]}, ("Schedule bias", "0 to 100")),
    ],
)
def test_soft_inpainting(client, png, soft, words):
    body = {**SMALL, "init_images": [png], "mask": png, "alwayson_scripts": {"soft inpainting": soft}}
    refused(client.post("/sdapi/v1/img2img", json=body), 422, *words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"steps": ', ("JSON", "character")),
        (b"", ("empty",)),
        (b"[]", ("JSON object",)),
        (b'"text"', ("JSON object",)),
        (b'{"cfg_scale": NaN}', ("cfg_scale", "nan")),
        (b'{"cfg_scale": -Infinity}', ("cfg_scale", "inf")),
        (b'{"seed": 1e999}', ("seed",)),
        (b'{"hr_scale": NaN}', ("hr_scale",)),
        (b'{"script_args": [NaN]}', ("script_args", "finite")),
        (b'{"steps": 1' + b"0" * 5000 + b"}", ("JSON object",)),
        (b"[" * 100_000, ("JSON object",)),
        (b'{"prompt": "\\ud800"}', ("half a character",)),
        (b'{"override_settings": {"samples_filename_pattern": "\\ud800"}}', ("half a character",)),
        (b'{"prompt": "\xff"}', ("JSON object",)),
        (b'{"script_args": ' + b"[" * 900 + b"]" * 900 + b"}", ("nested",)),
        (b'{"override_settings": {"rho": ' + b"[" * 900 + b"]" * 900 + b"}}", ("nested",)),
    ],
)
def test_bodies_that_are_no_request(client, content, words):
    refused(client.post("/sdapi/v1/txt2img", content=content, headers=JSON), 422, *words)


def test_json_must_be_called_json(client):
    answer = client.post("/sdapi/v1/txt2img", content=b"{}", headers={"Content-Type": "text/plain"})
    refused(answer, 422, "Content-Type: application/json")


def test_a_very_long_prompt_is_a_prompt(client):
    answer = client.post("/sdapi/v1/txt2img", json={**SMALL, "prompt": "tree, " * 17_000})
    assert answer.status_code == 200 and len(answer.json()["parameters"]["prompt"]) > 100_000


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"no_such_option": 1}, 404, ("no_such_option",)),
        ({"jpeg_quality": "high"}, 422, ("jpeg_quality",)),
        ({"samples_format": "tif"}, 422, ("samples_format", "png")),
        ({"sd_model_checkpoint": "none such"}, 404, ("none such",)),
        ({"sd_model_checkpoint": 5}, 422, ("sd_model_checkpoint",)),
        ([1], 422, ("JSON object",)),
    ],
)
def test_options(client, program, body, status, words):
    refused(client.post("/sdapi/v1/options", json=body), status, *words)


def test_options_change_all_or_nothing(client, program):
    before = program.options.view().as_dict()
    refused(client.post("/sdapi/v1/options", json={"jpeg_quality": 33, "samples_format": "tif"}), 422, "samples_format")
    refused(client.post("/sdapi/v1/options", content=b'{"jpeg_quality": 33, "save_txt": "\\udfff"}', headers=JSON), 422)
    refused(client.post("/sdapi/v1/options", content=b'{"jpeg_quality": 33, "rho": NaN}', headers=JSON), 422)
    assert program.options.view().as_dict() == before


@pytest.mark.parametrize(
    "image",
    ["", "!!!", "AAAA", "data:image/png;base64,", base64.b64encode(b"\x89PNG\r\n\x1a\n junk").decode(), "ü" * 40],
)
def test_png_info_of_no_picture(client, image):
    refused(client.post("/sdapi/v1/png-info", json={"image": image}), 422, "image")


def test_png_info_without_picture(client):
    refused(client.post("/sdapi/v1/png-info", json={}), 422, "image")


@pytest.mark.parametrize("path", ["/sdapi/v1/artists", "/sdapi/v1/artist-categories", "/sdapi/nothing", "/internal/x"])
def test_unknown_routes(client, path):
    refused(client.get(path), 404, path)


@pytest.mark.parametrize("path", ["/internal/preview/nobody", "/internal/preview/nobody?v=3"])
def test_unknown_task(client, path):
    refused(client.get(path), 404, "nobody")


def test_a_version_that_is_no_number(client):
    refused(client.get("/internal/preview/nobody?v=x"), 422, "v:")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (exceptions.CorruptFile("tiny.safetensors is cut short; download it again."), 500, ("cut short",)),
        (exceptions.OutOfMemory("The device's memory does not hold 16x16; choose a smaller size."), 507, ("memory",)),
        (exceptions.PromptError("The prompt cannot be read."), 422, ("prompt",)),
        (KeyError("secret detail"), 500, ("KeyError", "see the log")),
    ],
)
def test_errors_of_the_engine(client, program, error, status, words, caplog):
    program.engine.error = error
    body = refused(client.post("/sdapi/v1/txt2img", json=SMALL), status, *words)
    assert body["error"] == type(error).__name__ and "secret" not in body["errors"]
    program.engine.error = None
    assert client.post("/sdapi/v1/txt2img", json=SMALL).status_code == 200


def test_a_task_id_is_used_once(client):
    body = {**SMALL, "force_task_id": "task(once)"}
    assert client.post("/sdapi/v1/txt2img", json=body).status_code == 200
    refused(client.post("/sdapi/v1/txt2img", json=body), 422, "task(once)")
