"""The guard before websockets, which no route takes yet but gradio may."""

import asyncio
import base64

import pytest

from modules.settings.sections import Launch
from modules.webapi import security

LOGIN = "Basic " + base64.b64encode(b"ann:key").decode()


@pytest.mark.parametrize(
    ("headers", "lets_in"),
    [
        ({"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860", "authorization": LOGIN}, True),
        ({"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860"}, False),
        ({"host": "127.0.0.1:7860", "origin": "http://evil.example", "authorization": LOGIN}, False),
        ({"host": "evil.example", "authorization": LOGIN}, False),
    ],
)
def test_websockets_are_guarded_alike(headers, lets_in):
    sent, reached = [], []

    async def inside(scope, receive, send):
        reached.append(scope["path"])

    async def act():
        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "path": "/queue", "headers": raw, "client": ("203.0.113.9", 1)}
        await security.Guard(inside, security.rules(Launch(gradio_auth="ann:key")))(scope, receive, send)

    asyncio.run(act())
    assert bool(reached) == lets_in
    assert sent == ([] if lets_in else [{"type": "websocket.close", "code": 1008}])
