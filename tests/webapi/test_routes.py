"""Every route of A1111's API: its names, types, defaults and answers, against the facts in a1111.json.

The facts are what A1111 1.8.0 says of itself: by route the body's and the query's fields with type and default (none
where a field must be given), and the answer's fields with their types.
"""

import json
from pathlib import Path

import httpx
import pytest

from modules.settings.sections import SECTIONS
from tests.webapi.conftest import drawing_program, serving

FACTS = json.loads((Path(__file__).parent / "a1111.json").read_text())
KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
# Where a type differs on purpose: whole numbers that A1111 takes for numbers, colours and such.
LOOSE = {"number": ("number", "integer"), "any": tuple(KINDS.values())}
# Options that have another type here.
OTHER_TYPES = {"n_rows"}
NOT_SAID = object()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """With the routes that end the server, which nothing here calls."""
    app = drawing_program(tmp_path_factory.mktemp("routes"), api_server_stop=True)
    with serving(app) as url, httpx.Client(base_url=url, timeout=20) as made:
        yield made
    app.queue.close()


@pytest.fixture(scope="module")
def description(client):
    return client.get("/openapi.json").json()


def fields(description, schema):
    """name → (type, default) of an object's schema."""
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", ())
    return {
        name: (kind(description, one), NOT_SAID if name in required else one.get("default"))
        for name, one in schema.get("properties", {}).items()
    }


def kind(description, schema):
    one = next(one for one in schema.get("anyOf", [schema]) if one.get("type") != "null")
    return "object" if "$ref" in one else one.get("type", "any")


def body_of(description, route):
    return route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})


def same(ours, theirs):
    """Whether a type and a default are A1111's; its null may be our false, 0, empty text, list or object."""
    wanted, *default = theirs
    fits = ours[0] in LOOSE.get(wanted, (wanted, "any")) or wanted == "any"
    return fits and (not default or ours[1] == default[0] or (default[0] is None and not ours[1]))


@pytest.mark.parametrize("route", FACTS)
def test_a_route_takes_what_a1111_takes(description, route):
    method, path = route.split()
    ours = description["paths"][path][method.lower()]
    body = fields(description, body_of(description, ours))
    for name, theirs in FACTS[route].get("body", {}).items():
        assert name in body and same(body[name], theirs), (name, body.get(name), theirs)
    needed = {name for name, theirs in FACTS[route].get("body", {}).items() if len(theirs) == 1}
    assert {name for name, (_, default) in body.items() if default is NOT_SAID} <= needed
    query = {one["name"]: one for one in ours.get("parameters", [])}
    for name, theirs in FACTS[route].get("query", {}).items():
        schema = query[name]["schema"]
        assert not query[name].get("required") and same((kind(description, schema), schema.get("default")), theirs)


@pytest.mark.parametrize("route", [name for name in FACTS if FACTS[name].get("answer") and name.startswith("GET")])
def test_a_route_answers_what_a1111_answers(client, route):
    answer, theirs = client.get(route.split()[1]), FACTS[route]["answer"]
    assert answer.status_code == 200
    told = answer.json()
    if isinstance(theirs, list):
        for one in told:
            assert_fits(one, theirs[0])
        return
    if route.endswith("/options"):
        theirs = {name: one for name, one in theirs.items() if name in told and name not in OTHER_TYPES}
        assert len(theirs) > 60
    if route.endswith("/cmd-flags"):  # A1111 describes most of them as texts, whatever they are
        theirs = dict.fromkeys(theirs, "any")
    assert_fits(told, theirs)


def assert_fits(told, theirs):
    for name, wanted in theirs.items():
        assert name in told, name
        ours = KINDS.get(type(told[name]))
        assert told[name] is None or ours in LOOSE.get(wanted, (wanted,)), (name, told[name], wanted)


def test_lists_that_may_be_empty_here_say_what_they_hold(description):
    for route, facts in FACTS.items():
        method, path = route.split()
        answer = description["paths"][path][method.lower()]["responses"]["200"]["content"]
        schema = answer.get("application/json", {}).get("schema", {})
        if isinstance(facts.get("answer"), list) and "items" in schema:
            assert set(facts["answer"][0]) <= set(fields(description, schema["items"]))


def test_every_option_has_a_hint(client):
    hints = {one["name"]: one["label"] for one in client.get("/internal/quicksettings-hint").json()}
    assert all(name in hints for section in SECTIONS.values() for name in section.__dataclass_fields__)


def test_interrogate_says_that_there_is_no_model(client, png):
    for body, status, word in (
        ({}, 404, "Image"),
        ({"image": png, "model": "blip9"}, 404, "blip9"),
        ({"image": "x"}, 422, "image"),
        ({"image": png}, 501, "no model"),
        ({"image": png, "model": "deepdanbooru"}, 501, "no model"),
    ):
        answer = client.post("/sdapi/v1/interrogate", json=body)
        assert answer.status_code == status and word in answer.json()["errors"]


@pytest.mark.parametrize("what", ["create/embedding", "create/hypernetwork", "train/embedding", "train/hypernetwork"])
def test_training_is_refused_with_a_sentence(client, what):
    answer = client.post(f"/sdapi/v1/{what}", json={"name": "x"})
    assert answer.status_code == 501 and "Training" in answer.json()["errors"]


def test_memory_and_the_checkpoint(client):
    ram = client.get("/sdapi/v1/memory").json()["ram"]
    assert 0 < ram["used"] < ram["total"] and ram["free"] == ram["total"] - ram["used"]
    assert client.post("/sdapi/v1/unload-checkpoint").json() == {}
    assert client.post("/sdapi/v1/reload-checkpoint").json() == {}


def test_the_report_keeps_secrets(client):
    told = client.get("/internal/sysinfo-download")
    assert "attachment" in told.headers["content-disposition"]
    assert told.json()["Version"] and "Environment" not in told.json()
    assert "content-disposition" not in client.get("/internal/sysinfo").headers
    assert client.get("/internal/profile-startup").json()["total"] >= 0


def test_the_routes_that_end_the_server_need_their_flag(tmp_path):
    app = drawing_program(tmp_path)
    with serving(app) as url:
        for what in ("stop", "kill", "restart"):
            assert httpx.post(f"{url}/sdapi/v1/server-{what}").status_code == 404
    app.queue.close()


def test_the_page_of_the_api_needs_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.status_code == 200 and "openapi.json" in page.text
    assert "http://" not in page.text and "https://" not in page.text
