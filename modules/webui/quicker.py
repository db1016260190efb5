"""gradio's browser half with two of its searches through the whole page made look-ups in tables.

It looks for a component by walking the page, once for each value that it reads or sets, and for a component's events by
going through all events. With this page's some 800 components that is most of the time until the page can be used, and
is felt at each key. Another version of gradio, in which the searches are written otherwise, is served as it is.
"""

from __future__ import annotations

from pathlib import Path

import gradio
from fastapi import FastAPI
from fastapi.responses import Response

ASSETS = Path(gradio.__file__).parent / "templates/frontend/assets"
SWAPS = (  # what is written there → what is served
    (
        "function Z(e,t){if(e.id===t)return e;if(e.children)for(let n of e.children){let e=Z(n,t);if(e)return e}"
        "return null}",
        "var webuiNodes=new WeakMap;function Z(e,t){let n=webuiNodes.get(e);if(!n||n.of!==e.children){"
        "n={of:e.children,by:new Map};webuiNodes.set(e,n);let r=e=>{n.by.has(e.id)||n.by.set(e.id,e);"
        "e.children?.forEach(r)};r(e)}return n.by.get(t)??null}",
    ),
    ("a.children=i.children,this.#f(i)", "a.children=i.children,webuiNodes.delete(this.root),this.#f(i)"),
    (
        "find_attached_events(e,t){let n=t.filter(t=>t.targets.find(([t])=>t===e.id)).map(t=>{let n=t.targets.find("
        "([t])=>t===e.id);return n?n[1]:null}).filter(Boolean);return e.props.shared_props.attached_events=n,e}",
        "static webuiEvents=new WeakMap;find_attached_events(e,t){let n=this.constructor.webuiEvents,r=n.get(t);"
        "if(!r){r=new Map;n.set(t,r);for(let e of t){let t=new Set;for(let[n,i]of e.targets)t.has(n)||(t.add(n),"
        "i&&(r.has(n)||r.set(n,[]),r.get(n).push(i)))}}return e.props.shared_props.attached_events="
        "[...r.get(e.id)??[]],e}",
    ),
)


def rewritten() -> tuple[str, str] | None:
    """(file name, text) of gradio's script with the look-ups; None where this gradio is another."""
    for path in ASSETS.glob("core-*.js"):
        text = path.read_text(encoding="utf-8")
        if all(text.count(old) == 1 for old, _ in SWAPS):
            for old, new in SWAPS:
                text = text.replace(old, new)
            return path.name, text
    return None


def serve(api: FastAPI) -> None:
    """Add the route that gives out the script in place of gradio's own."""
    if (made := rewritten()) is not None:
        name, text = made
        headers = {"Cache-Control": "max-age=31536000"}  # gradio's names change with what is in them

        @api.get(f"/assets/{name}", include_in_schema=False)
        async def script() -> Response:
            return Response(text, media_type="text/javascript", headers=headers)
