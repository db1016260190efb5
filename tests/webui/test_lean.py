"""gradio's server half made light: the page is made once, and a page's state holds no list of all components."""

import asyncio

import gradio as gr
from gradio.state_holder import StateHolder
from starlette.testclient import TestClient

from modules.webui import lean


def asked(kept, query="", host="here", method="GET", path="/", encoding="identity"):
    """The (status, body) that the middleware gives."""
    answer = TestClient(kept).request(
        method, f"http://{host}{path}", params=query, headers={"accept-encoding": encoding}
    )
    return answer.status_code, answer.content, answer.headers.get("content-encoding")


class Counting:
    """An application whose each answer is another."""

    def __init__(self, status=200, headers=()):
        self.count, self.status, self.headers = 0, status, headers

    async def __call__(self, scope, receive, send):
        self.count += 1
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": b"%d" % self.count, "more_body": True})
        await send({"type": "http.response.body", "body": b"." * 1000})


def test_the_page_is_made_once_for_each_name_of_the_server():
    kept = lean.Kept(Counting())
    first = asked(kept)
    assert first == (200, b"1" + b"." * 1000, None) == asked(kept)
    assert asked(kept, host="there")[1].startswith(b"2")
    assert asked(kept)[1].startswith(b"1")
    packed = asked(kept, encoding="gzip")
    assert packed == (200, b"3" + b"." * 1000, "gzip") == asked(kept, encoding="gzip")
    for number in range(2 * lean.KEPT):
        asked(kept, host=f"h{number}")
    assert len(kept.kept) == lean.KEPT


def test_what_is_not_the_page_or_not_for_anybody_is_not_kept():
    kept = lean.Kept(Counting())
    for odd in ({"method": "POST"}, {"path": "/config"}, {"query": "deep_link=x"}):
        assert asked(kept, **odd)[1] != asked(kept, **odd)[1], odd
    for app in (Counting(500), Counting(200, [(b"set-cookie", b"who=1")])):
        kept = lean.Kept(app)
        assert asked(kept)[1] != asked(kept)[1]


def test_a_pages_state_knows_its_components_and_lists_none():
    async def in_a_loop():  # gradio would leave one of its own open
        with gr.Blocks(analytics_enabled=False) as demo:
            menu, state = gr.Dropdown(["a"], label="one"), gr.State(3)
        holder = StateHolder()
        holder.set_blocks(demo)
        lean.lighten(demo)
        session = holder["who"]
        assert session is holder["who"] and session is not holder["another"] and session.config_values == {}
        assert session[menu._id] is menu and session[state._id] == 3
        session[menu._id] = gr.Dropdown(["a", "b"], render=False)
        assert [choice for choice, _ in session[menu._id].choices] == ["a", "b"] and len(session.config_values) == 1

    asyncio.run(in_a_loop())
