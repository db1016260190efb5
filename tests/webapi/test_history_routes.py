"""The history over HTTP: what is refused, and the files as they are."""

import time

import pytest
from PIL import Image

from modules.imaging.files import SaveOptions, save

TEXT = "a heron\nSteps: 7, Sampler: Euler a, CFG scale: 4.5, Seed: 5, Size: 64x96, Model: old"


@pytest.fixture
def number(client, tmp_path):
    save(Image.new("RGB", (64, 96)), tmp_path / "old", "ünë <b>", TEXT, SaveOptions())
    assert client.post("/internal/history/folders", json={"folder": str(tmp_path / "old")}).status_code == 200
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = client.get("/internal/history", params={"search": "heron"}).json()
        if found["pictures"]:
            return found["pictures"][0]["id"]
        time.sleep(0.05)
    pytest.fail("The picture was not found.")


def test_the_file_and_its_small_copy(client, number, tmp_path, program):
    told = client.get(f"/internal/history/{number}").json()
    assert told["infotext"] == TEXT and told["seed"] == "5"
    file = client.get(f"/internal/history/{number}/file?download=1")
    assert file.content == next((tmp_path / "old").glob("*.png")).read_bytes()
    assert file.headers["content-disposition"].startswith("attachment; filename*=utf-8''%C3%BCn%C3%AB")
    small = client.get(f"/internal/history/{number}/thumb?side=64")
    assert small.headers["content-type"] == "image/jpeg" and len(small.content) < len(file.content) + 2000
    program.options.change({"history_folders": []})
    assert client.get(f"/internal/history/{number}/file").status_code == 404  # its folder was taken off


@pytest.mark.parametrize("search", ["size:huge", "date:soon"])
def test_a_bad_search_is_one_sentence(client, search):
    answer = client.get("/internal/history", params={"search": search})
    assert answer.status_code == 422 and "write it as" in answer.json()["errors"]


def test_bad_folders_are_refused(client, program, tmp_path):
    for folder in (tmp_path / "none", program.folders.data, "/"):
        answer = client.post("/internal/history/folders", json={"folder": str(folder)})
        assert answer.status_code == 422, folder
    for number in (99999999, -1, 10**40):  # SQLite counts to 2**63 - 1
        assert client.get(f"/internal/history/{number}/file").status_code == 404
        assert client.get(f"/internal/history?first={number}&count={number}").status_code == 200
    assert client.get("/internal/history?first=-3&count=-1").json()["pictures"] == []
