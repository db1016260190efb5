"""Styles and token counts by HTTP."""

import json

import pytest

STYLES = 'name,prompt,negative_prompt\nPhoto,"photo of {prompt}, 35mm",painting\nPlain,x,\n'


@pytest.fixture
def styles(program):
    path = program.folders.data / "styles.csv"
    path.write_text(STYLES)
    yield
    path.unlink()


def test_styles_are_listed_as_a1111_lists_them(client, styles):
    assert client.get("/sdapi/v1/prompt-styles").json() == [
        {"name": "Photo", "prompt": "photo of {prompt}, 35mm", "negative_prompt": "painting"},
        {"name": "Plain", "prompt": "x", "negative_prompt": ""},
    ]


def test_no_file_is_no_style(client):
    assert client.get("/sdapi/v1/prompt-styles").json() == []


def ask(client, **body):
    answer = client.post("/sdapi/v1/txt2img", json={"width": 8, "height": 8, "steps": 1} | body)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.json()["info"])


def test_a_request_in_styles(client, styles):
    info = ask(client, prompt="a hill", negative_prompt="bad", styles=["Photo", "Plain"])
    assert (info["prompt"], info["negative_prompt"]) == ("photo of a hill, 35mm, x", "bad, painting")
    assert info["all_prompts"] == [info["prompt"]] and info["styles"] == ["Photo", "Plain"]
    assert info["infotexts"][0].startswith("photo of a hill, 35mm, x\nNegative prompt: bad, painting\nSteps: 1, ")
    assert "comments" not in info


def test_a_style_that_is_not_there_is_told(client, styles):
    info = ask(client, prompt="a hill", styles=["None such", "Plain"])
    assert info["prompt"] == "a hill, x" and "'None such'" in info["comments"][0]


def test_each_image_of_a_batch_has_its_own_prompt(client):
    options = {"enable_wildcards": True}
    info = ask(client, prompt="a {red|green|blue} hill", seed=1, batch_size=8, override_settings=options)
    assert len(set(info["all_prompts"])) > 1 and info["prompt"] == info["all_prompts"][0]
    shown = info["infotexts"][info["index_of_first_image"] :]
    assert [text.split("\n")[0] for text in shown] == info["all_prompts"]
    assert all("Template: a {red|green|blue} hill, " in text for text in shown)


def count(client, **body):
    answer = client.post("/internal/token-counts", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return tuple((told[name]["count"], told[name]["limit"]) for name in ("prompt", "negative_prompt"))


def test_token_counts(client, styles):
    assert count(client) == ((0, 75), (0, 75))
    assert count(client, prompt="a [cat|big dog] AND x", negative_prompt="cat " * 76) == ((3, 75), (76, 150))
    assert count(client, prompt="a cat # b", styles=["Photo"], steps=None) == ((4, 75), (1, 75))


@pytest.mark.parametrize(
    ("body", "status"),
    [({"steps": 0}, 422), ({"prompt": "a" * 60_000}, 422), ({"prompt": "\ud800"}, 422), ({"prompt": 5}, 422)],
)
def test_counts_of_nonsense_are_refused(client, body, status):
    answer = client.post(
        "/internal/token-counts", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status and answer.json()["errors"]
