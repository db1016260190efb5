"""Requests made up from the program's own OpenAPI description: `python -m tests.fuzz.openapi [examples]`.

Needs `pip install schemathesis` (4.32) beside the test tools. Every operation is sent that many requests, valid ones
and broken ones, to a real server whose engine draws nothing. What answers 500, not at all, or not within ten seconds is
reported; the exit status tells whether there was any. 501 and 503 are answers with a sentence.
"""

import sys
import tempfile
import time
from pathlib import Path

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from schemathesis.generation import GenerationMode

from modules.exceptions import WebuiError
from modules.generate import infotext
from modules.generate.result import Picture, Result
from tests.webapi.conftest import drawing_program, serving

PATIENCE = 10  # seconds
SENTENCES = (501, 503, 507)
STREAMS = "/internal/live/{task_id}"  # waits ten seconds for a job that is on its way


def drawn(plan, progress, hooks):
    """One small picture, whatever was asked for."""
    picture = Picture(image=Image.new("RGB", (8, 8)), infotext=infotext.write(plan, 0, plan.checkpoint))
    return Result(
        plan=plan, pictures=(picture,), grid=None, model_name="x", model_hash=None, extra={}, comments=(), seconds=0.0,
        interrupted=False,
    )  # fmt: skip


def refused(plan, progress):
    raise WebuiError("Nothing is enlarged here.")


def tried(operation, examples, mode):
    """The failures of one operation: (what, the request as a curl command)."""
    failures, seen = [], {}

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        began = time.monotonic()
        try:
            answer = case.call(timeout=PATIENCE)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            failures.append((type(error).__name__, case.as_curl_command()[:500]))
            return
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        if answer.status_code >= 500 and answer.status_code not in SENTENCES:
            failures.append((answer.status_code, answer.text[:200], case.as_curl_command()[:500]))
        if time.monotonic() - began > PATIENCE:
            failures.append(("slow", case.as_curl_command()[:500]))

    send()
    return failures, seen


def main(examples):
    """Whether anything failed."""
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        app = drawing_program(Path(folder), mcp=True)
        app.engine.run, app.engine.extras = drawn, refused
        with serving(app) as url:
            schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
            for found in schema.get_all_operations():
                operation = found.ok()
                if operation.path == STREAMS:
                    continue
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    try:
                        failures, seen = tried(operation, examples, mode)
                    except Exception as error:  # noqa: BLE001 - there is nothing to break
                        sys.stdout.write(f"{operation.label}: {mode.name}: none ({type(error).__name__})\n")
                        continue
                    sys.stdout.write(f"{operation.label}: {mode.name.lower()}: {dict(sorted(seen.items()))}\n")
                    for failure in failures[:3]:
                        failed = True
                        sys.stdout.write(f"    FAILED {failure}\n")
            assert httpx.get(f"{url}/internal/ping").status_code == 200
        app.queue.close()
    return failed


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
