"""/v2/jobs: an id at once, state and events, cancelling, results that outlive the program, keys, pages, webhooks."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from modules.settings.reach import User
from modules.webapi.results import Results
from tests.webapi.conftest import drawing_program, serving

SMALL = {"steps": 1, "width": 16, "height": 16, "seed": 7}


def posted(client, kind="txt2img", status=202, key=None, webhook=None, **request):
    headers = {"Idempotency-Key": key} if key else {}
    body = {"kind": kind, "request": {**(SMALL if kind != "extras" else {}), **request}, "webhook": webhook}
    answer = client.post("/v2/jobs", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def over(client, task_id):
    """The state of the job when its event stream has ended."""
    last = None
    with client.stream("GET", f"/v2/jobs/{task_id}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                last = json.loads(line[6:])
    assert last["completed"]
    return client.get(f"/v2/jobs/{task_id}").json()


def test_a_job_from_id_to_result(client, program):
    program.engine.go.clear()
    running = posted(client, prompt="a")
    waiting = posted(client, prompt="b", force_task_id="task(b)")
    assert waiting["id"] == "task(b)" and waiting["state"] == "queued" and waiting["position"] == 1
    assert not waiting["has_result"]
    answer = client.get(f"/v2/jobs/{waiting['id']}/result")
    assert answer.status_code == 409 and "queued" in answer.json()["errors"]
    assert client.get("/internal/pending-tasks").json()["tasks"] == ["task(b)"]  # one queue with all others
    program.engine.go.set()
    done = over(client, running["id"])
    assert (done["state"], done["progress"], done["error"], done["has_result"]) == ("done", 1.0, None, True)
    assert done["created"] <= done["started"] <= done["finished"]
    direct = client.post("/sdapi/v1/txt2img", json={**SMALL, "prompt": "a"}).json()
    result = client.get(f"/v2/jobs/{running['id']}/result").json()
    assert set(result) == {"images", "parameters", "info"} and result["images"] == direct["images"]
    assert result["parameters"]["prompt"] == "a"


def test_pictures_and_extras(client, png):
    made = posted(client, "img2img", init_images=[png])
    assert over(client, made["id"])["kind"] == "img2img"
    assert client.get(f"/v2/jobs/{made['id']}/result").json()["parameters"]["init_images"] is None
    posted(client, "extras", 422, imageList=[{"data": "x", "name": "x"}])
    posted(client, "other", 422)
    posted(client, steps=0, status=422)
    posted(client, "img2img", 422, init_images=["x"])


def test_cancelling(client, program):
    program.engine.go.clear()
    running, waiting = posted(client), posted(client)
    assert client.post(f"/v2/jobs/{waiting['id']}/cancel").json()["state"] == "cancelled"
    client.post(f"/v2/jobs/{running['id']}/cancel")
    program.engine.go.set()
    assert over(client, running["id"])["state"] == "done"  # with what it had
    assert client.post(f"/v2/jobs/{running['id']}/cancel").json()["state"] == "done"
    assert client.get(f"/v2/jobs/{waiting['id']}/result").json()["images"] == []


def test_a_failed_job_says_why(client, program):
    program.engine.error = RuntimeError("secret path /x/y")
    made = posted(client)
    state = over(client, made["id"])
    assert state["state"] == "failed" and "RuntimeError" in state["error"] and "secret" not in state["error"]
    answer = client.get(f"/v2/jobs/{made['id']}/result")
    assert answer.status_code == 409 and "secret" not in answer.text
    assert "secret" not in program.queue.store.row(made["id"])["error"]


@pytest.mark.parametrize("path", ["", "/events", "/result"])
def test_an_unknown_job(client, path):
    assert client.get(f"/v2/jobs/none such{path}").status_code == 404


def test_the_same_key_is_the_same_job(client):
    first = posted(client, key="k1", prompt="once")
    assert posted(client, key="k1", prompt="once", status=200)["id"] == first["id"]
    refused = posted(client, key="k1", prompt="twice", status=422)
    assert "key" in refused["errors"]
    made = []
    many = [threading.Thread(target=lambda: made.append(keyed(client))) for _ in range(8)]
    for one in many:
        one.start()
    for one in many:
        one.join()
    assert len({one["id"] for one in made}) == 1


def keyed(client):
    answer = client.post("/v2/jobs", json={"kind": "txt2img", "request": SMALL}, headers={"Idempotency-Key": "race"})
    assert answer.status_code in (200, 202)
    return answer.json()


def test_pages(client, program):
    made = [posted(client)["id"] for _ in range(5)]
    for one in made:
        over(client, one)
    seen, cursor = [], ""
    while cursor is not None and len(seen) < 5:
        page = client.get("/v2/jobs", params={"limit": 2, "cursor": cursor}).json()
        assert len(page["jobs"]) == 2
        seen += [one["id"] for one in page["jobs"]]
        cursor = page["next"]
    assert seen[:5] == made[::-1]
    assert all(one["state"] == "done" for one in client.get("/v2/jobs", params={"state": "done"}).json()["jobs"])
    for bad in ({"limit": 0}, {"limit": 10**6}, {"cursor": "x"}, {"cursor": "WzFd"}, {"state": "odd"}):
        assert client.get("/v2/jobs", params=bad).status_code == 422


def test_results_and_states_outlive_the_program(tmp_path):
    app = drawing_program(tmp_path)
    with serving(app) as url, httpx.Client(base_url=url, timeout=20) as client:
        made = posted(client, key="k")
        over(client, made["id"])
        before = client.get(f"/v2/jobs/{made['id']}/result").json()
        app.queue.store.add("left", "txt2img", 1.0, {}, "")
    app.queue.close()
    app = drawing_program(tmp_path)
    with serving(app) as url, httpx.Client(base_url=url, timeout=20) as client:
        assert client.get(f"/v2/jobs/{made['id']}").json()["state"] == "done"
        assert client.get(f"/v2/jobs/{made['id']}/result").json() == before
        assert posted(client, key="k", status=200)["id"] == made["id"]
        assert client.get("/v2/jobs/left").json()["state"] == "lost"
        assert client.get("/v2/jobs/left/result").status_code == 409
        for file in (app.folders.cache / "results").iterdir():
            file.unlink()
        assert client.get(f"/v2/jobs/{made['id']}/result").status_code == 410
    app.queue.close()


def test_results_keep_to_their_size(tmp_path):
    results = Results(tmp_path / "results", most=5000)
    for number in range(10):
        results.keep(f"../{number}", {"images": ["x" * 1000]})
    assert results.get("../9") and not results.has("../0")
    assert sum(file.stat().st_size for file in (tmp_path / "results").iterdir()) <= 5000
    assert [file.name for file in tmp_path.iterdir()] == ["results"]


def test_guests_see_only_their_own(program, client):
    made = posted(client)
    over(client, made["id"])
    from modules.settings.reach import Role
    from modules.webapi.jobs import Desk

    desk, guest = Desk(program), User("eve", Role.GUEST)
    assert desk.page(guest, 50, "", None).jobs == []
    with pytest.raises(Exception, match="no job"):
        desk.state(made["id"], guest)


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(200 if len(self.server.got) > 1 else 503)
        self.end_headers()

    def log_message(self, *words):
        pass


@pytest.fixture
def hook():
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}/told"
        yield server
        server.shutdown()
        thread.join()


def test_a_webhook_is_told_and_guarded(client, program, hook, monkeypatch):
    monkeypatch.setattr("modules.webapi.aftermath.PAUSES", (0, 0.01, 0.01))
    assert "off" in posted(client, webhook=hook.url, status=403)["errors"]
    program.options.change({"api_enable_requests": True})
    try:
        posted(client, webhook="ftp://x/", status=422)
        over(client, posted(client, webhook=hook.url)["id"])  # nearby: out of bounds
        program.options.change({"api_forbid_local_requests": False})
        made = posted(client, webhook=hook.url)
        over(client, made["id"])
        for _ in range(200):
            if len(hook.got) > 1:
                break
            threading.Event().wait(0.02)
    finally:
        program.options.change({"api_enable_requests": False, "api_forbid_local_requests": True})
    assert [one[1]["id"] for one in hook.got] == [made["id"]] * 2  # once more after the 503
    assert hook.got[0] == ("/told", {"id": made["id"], "kind": "txt2img", "state": "done", "error": None})
