"""A1111's HTTP API, `/sdapi/v1` and `/internal`, over the App; nothing in it is a second declaration.

One file per resource, each with `routes(app, watch) -> APIRouter`: generation, extras, progress, live (server-sent
events and previews), options, models, networks, cards, images, tokens, scripts, internal, lifecycle, describe (the page
at /docs), jobs (`/v2/jobs`), downloads, mcp, unbuilt (what is refused with a sentence). Beside them: `aftermath` and
`results` (what follows a job that nobody waits for), `outside` (pictures that are given by their address), `rights`
(what a role may do), `schemas.model` (a request's body from its Specs, and `API_DEFAULTS`, the one table of where
A1111's API differs from the page), `info` (a Result as A1111 tells it), `watch.Watch` (where coroutines wait for jobs
without holding a thread), `errors` (every failure becomes `{error, detail, body, errors}` with one sentence),
`security.Guard` and `logins` (who may come in; over the page and the files too).
May import: every room below and `modules.app`, fastapi, pydantic; never torch.
"""
