"""GET docs: the API's description for people, made in the browser from openapi.json; nothing comes from elsewhere."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from modules.app import App
from modules.webapi.watch import Watch

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>API</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer; font-family: ui-monospace, monospace; padding: .2rem 0 }
summary b { display: inline-block; width: 4.5rem }
table { border-collapse: collapse; margin: .3rem 0 1rem 4.5rem; font-size: 14px }
td, th { border-bottom: 1px solid #8884; padding: .1rem .8rem .1rem 0; text-align: left; vertical-align: top }
p { margin: .2rem 0 .2rem 4.5rem }
:root { color-scheme: light dark }
</style>
<h1>API</h1><p style="margin-left:0">The same as data: <a href="openapi.json">openapi.json</a></p><main></main>
<script>
const made = (name, text = "") => Object.assign(document.createElement(name), { textContent: text });
const kind = (one) => (one.anyOf ? one.anyOf.map(kind).join(" or ") : one.$ref ? one.$ref.split("/").pop()
    : one.type === "array" ? "list of " + kind(one.items || {}) : one.type || "any");
function table(title, fields, required) {
    const rows = Object.entries(fields).map(([name, one]) => {
        const row = made("tr");
        const shown = required.includes(name) ? "must be given" : JSON.stringify(one.default);
        row.append(...[name, kind(one), shown, one.description || one.title || ""].map((text) => made("td", text)));
        return row;
    });
    if (!rows.length) return "";
    const whole = made("table"), head = made("tr");
    head.append(...[title, "type", "default", ""].map((text) => made("th", text)));
    whole.append(head, ...rows);
    return whole;
}
fetch("openapi.json").then((answer) => answer.json()).then((all) => {
    const schema = (one) => (one && one.$ref ? all.components.schemas[one.$ref.split("/").pop()] : one) || {};
    const inside = (part) => schema(part && part.content && part.content["application/json"]
        && part.content["application/json"].schema);
    const every = Object.entries(all.paths).sort().flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, route]) => [path, method, route]));
    for (const [path, method, route] of every) {
        const fold = made("details"), head = made("summary");
        head.append(made("b", method.toUpperCase()), path);
        fold.append(head, route.description ? made("p", route.description) : "");
        const query = Object.fromEntries((route.parameters || []).map((one) => [one.name, one.schema]));
        const needed = (route.parameters || []).filter((one) => one.required).map((one) => one.name);
        const body = inside(route.requestBody), ok = Object.keys(route.responses).find((code) => code < "300");
        const answer = inside(route.responses[ok]), items = answer.items ? schema(answer.items) : answer;
        fold.append(table("query", query, needed), table("body", body.properties || {}, body.required || []),
            table("answer", items.properties || {}, []));
        document.querySelector("main").append(fold);
    }
});
</script></html>
"""


def routes(app: App, watch: Watch) -> APIRouter:
    """The page."""
    router = APIRouter()

    @router.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(PAGE)

    return router
