"""The command line, and the program's life from its first line to its end."""

import contextlib
import json
import logging
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from modules import cli, server
from modules.app import build
from modules.declare import specs
from modules.exceptions import WebuiError
from modules.settings.sections import Launch
from modules.settings.sections.launch import MEANINGLESS

ROOT = Path(cli.__file__).parents[1]
VALUES = {
    bool: ([], True),
    int: (["81"], 81),
    float: (["1.5"], 1.5),
    str: (["some text"], "some text"),
    list: (["a", "b"], ["a", "b"]),
}
PASTED = [
    "--api", "--listen", "--port", "7861", "--xformers", "--medvram",
    "--opt-sdp-attention", "--no-half-vae", "--precision", "full", "--styles-file", "a.csv",
    "--styles-file", "b.csv", "--sub-quad-q-chunk-size", "512", "--enable-insecure-extension-access", "--theme",
    "dark", "--lora-dir", "/some/where", "--timeout-keep-alive=30", "--administrator", "-f",
    "--use-cpu", "all", "--no-half",
]  # fmt: skip

ENGINE = """
import sys, time
import modules.app, modules.server
class Engine:
    scaler = None
    def __init__(self, *parts): pass
    def load(self, checkpoint): print("loading", flush=True)
    def run(self, plan, progress, hooks=None):
        progress.begin(1, 1000)
        for step in range(1000):
            progress.at(step)
            time.sleep({pause})
            progress.stop.check()
modules.app.Engine = Engine
modules.server.LAST_STEP = {patience}
import webui
sys.exit(webui.main())
"""


def stopped(capsys, *argv):
    """What a refused command line says: one line, exit status 2."""
    with pytest.raises(SystemExit) as caught:
        cli.parse(argv)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("webui.py: ")
    return said.err


@pytest.mark.parametrize("spec", specs(Launch).values(), ids=lambda spec: spec.flag)
def test_every_flag_sets_its_field(spec):
    given, wanted = VALUES[spec.type]
    if isinstance(spec.choices, tuple) and spec.choices:
        given, wanted = [spec.choices[-1]], spec.choices[-1]
    launch, names, _ = cli.read([spec.flag, *given])
    assert getattr(launch, spec.name) == wanted and names == {spec.name}


def test_no_flags_are_the_defaults():
    assert cli.read([]) == (Launch(), frozenset(), [])
    assert cli.read(["--port", "7860"]) == (Launch(), frozenset({"port"}), [])


def test_a_list_flag_alone_means_all():
    assert cli.parse(["--use-cpu"]).use_cpu == ["all"]
    assert cli.parse(["--use-cpu", "unet", "vae", "--api"]).use_cpu == ["unet", "vae"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--port", "many"], ("--port", "many")),
        (["--port", "0"], ("--port", "1 to 65535")),
        (["--port"], ("--port",)),
        (["--theme", "pink"], ("--theme", "pink", "dark")),
        (["--loglevel", "LOUD"], ("--loglevel", "DEBUG")),
        (["--listen=yes"], ("--listen",)),
    ],
)
def test_bad_values(capsys, argv, words):
    said = stopped(capsys, *argv)
    for word in words:
        assert word in said


def test_a_line_pasted_from_a_guide_starts(caplog):
    launch = cli.parse(PASTED)
    assert (launch.listen, launch.port, launch.theme, launch.use_cpu, launch.no_half) == (
        True,
        7861,
        "dark",
        ["all"],
        True,
    )
    (said,) = caplog.records
    assert said.levelno == logging.WARNING
    for flag in ("--xformers", "--administrator", "--sub-quad-q-chunk-size", "-f"):
        assert flag in said.getMessage()
    assert launch.styles_file == ["a.csv", "b.csv"] and launch.lora_dir == "/some/where"
    for word in ("full", "a.csv", "512", "/some/where", "30", "--port", "--api"):
        assert word not in said.getMessage().split(": ")[1].split(", ")


def test_flags_are_not_guessed_from_their_beginning(caplog):
    assert cli.parse(["--lis"]).listen is False
    assert "--lis" in caplog.text


@pytest.mark.parametrize(("flag", "values"), MEANINGLESS.items())
def test_a_flag_of_a1111_that_means_nothing_here_is_read_over_and_said_once(caplog, flag, values):
    words = [flag, *["some value"] * values]
    assert cli.read([*words, "--api", *words]) == (Launch(api=True), frozenset({"api"}), [])
    (said,) = caplog.records
    assert said.getMessage().count(flag) == 1 and "some value" not in said.getMessage()


def test_every_flag_of_a1111_is_known():
    facts = json.loads((Path(__file__).parent / "webapi/a1111.json").read_text())
    known = {spec.flag for spec in specs(Launch).values()} | set(MEANINGLESS)
    for name in facts["GET /sdapi/v1/cmd-flags"]["answer"]:
        assert ("-f" if name == "f" else f"--{name.replace('_', '-')}") in known


def test_help_names_every_flag(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.parse(["--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert all(spec.flag in said for spec in specs(Launch).values())


# -- the address


@contextlib.contextmanager
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_default_port_gives_way_to_the_next(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    with taken() as port:
        monkeypatch.setattr(server, "Launch", lambda: Launch(port=port))  # as if it were the default
        with contextlib.closing(server.bind(Launch(port=port), False)) as listener:
            assert port < listener.getsockname()[1] <= port + server.PORTS
    assert str(port) in caplog.text and str(listener) not in caplog.text


def test_a_taken_port_that_was_asked_for_is_an_error():
    with taken() as port, pytest.raises(WebuiError, match=f"Port {port} is taken"):
        server.bind(Launch(port=port), True)


def test_a_port_other_than_the_default_was_asked_for():
    with taken() as port, pytest.raises(WebuiError, match=f"Port {port} is taken"):
        server.bind(Launch(port=port), False)


@pytest.mark.parametrize("name", ["192.0.2.1", "no such name"])
def test_an_address_that_is_not_here(name):
    with pytest.raises(WebuiError, match="--server-name") as caught:
        server.bind(Launch(server_name=name, port=7861), False)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "host"), [({}, "127.0.0.1"), ({"listen": True}, "0.0.0.0"), ({"server_name": "localhost"}, "127.0.0.1")]
)
def test_where_it_listens(flags, host):
    with contextlib.closing(server.bind(Launch(port=0, **flags), True)) as listener:
        assert listener.getsockname()[0] in (host, "::1" if flags.get("server_name") else host)


# -- the process


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def begin(folder, code, *flags):
    """A program of its own, over an empty checkpoint that nothing opens."""
    models = folder / "models/Stable-diffusion"
    models.mkdir(parents=True)
    (models / "tiny.safetensors").write_bytes(b"")
    argv = [sys.executable, "-W", "ignore", "-c", code, "--data-dir", str(folder), "--no-hashing", *flags]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def lines_until(process, word):
    """The output up to the line that holds the word."""
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if word in line:
            return lines
    raise AssertionError(f"{word!r} never came: {lines}")


@contextlib.contextmanager
def process(folder, *flags, pause=0.02, patience=5):
    port = free_port()
    code = ENGINE.format(pause=pause, patience=patience)
    made = begin(folder, code, "--nowebui", "--port", str(port), *flags)
    try:
        yield made, f"http://127.0.0.1:{port}"
    finally:
        made.kill()
        made.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_a_job_running_and_a_stream_open(tmp_path, number):
    with process(tmp_path) as (program, url), httpx.Client(base_url=url, timeout=20, verify=False) as client:
        assert f"Running on local URL:  {url}" in lines_until(program, "Running on")
        lines_until(program, "loading")  # the checkpoint, without being asked
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as asking:
            body = json.dumps({"force_task_id": "task(x)"})
            head = "POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            asking.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            with client.stream("GET", "/internal/live/task(x)") as stream:
                lines = stream.iter_lines()
                while '"step": 3' not in next(lines):
                    pass
                began = time.monotonic()
                program.send_signal(number)
                list(lines)  # the stream ends by itself
            asking.settimeout(5)
            assert b"503" in asking.recv(1000)
        said, _ = program.communicate(timeout=20)
    assert program.returncode == 0 and time.monotonic() - began < 10
    assert "Traceback" not in said and "Cancel" not in said, said


def test_a_job_deep_in_a_step_does_not_hold_up_the_end(tmp_path):
    with process(tmp_path, "--skip-load-model-at-start", pause=60, patience=0.2) as (program, url):
        lines_until(program, "Running on")
        with (
            httpx.Client(base_url=url, verify=False) as client,
            client.stream("GET", "/internal/live/task(y)") as stream,
        ):
            with pytest.raises(httpx.ReadTimeout):
                client.post("/sdapi/v1/txt2img", json={"force_task_id": "task(y)"}, timeout=0.5)
            assert "progress" in next(stream.iter_lines())
        program.send_signal(signal.SIGTERM)
        said, _ = program.communicate(timeout=20)
    assert program.returncode == 0 and "Traceback" not in said and "loading" not in said


def test_an_open_server_tells_its_login_once(tmp_path):
    with process(tmp_path, "--listen") as (program, url):
        lines = lines_until(program, "--gradio-auth")
        (told,) = [line for line in lines if line.startswith("Log in as ")]
        words = told.split()
        with httpx.Client(base_url=url, verify=False) as client:
            assert client.get("/internal/ping").status_code == 401
            assert client.get("/internal/ping", auth=(words[3], words[-1])).status_code == 200


def test_nothing_heavy_is_imported_before_the_first_job(tmp_path, monkeypatch):
    """All of the program, page included, up to the moment it would serve: torch would cost the page seconds.

    And nothing leaves this machine, whatever the environment did not say.
    """
    code = """
import os, sys, webui
from modules import server
heavy = ("torch", "diffusers", "transformers")
server.Server.run = lambda self, sockets: print("heavy:", [name for name in heavy if name in sys.modules])
print("said:", os.environ["GRADIO_ANALYTICS_ENABLED"], os.environ["HF_HUB_OFFLINE"])
sys.exit(webui.main())
"""
    for name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    made = begin(tmp_path, code, "--skip-load-model-at-start", "--port", str(free_port()))
    said, _ = made.communicate(timeout=120)
    assert made.returncode == 0, said
    assert "heavy: []" in said and "said: False 1" in said
    assert len((ROOT / "webui.py").read_text().splitlines()) <= 60


def test_a_start_that_cannot_be_says_so_in_one_sentence(tmp_path):
    with taken() as port:
        made = begin(tmp_path, "import sys, webui; sys.exit(webui.main())", "--nowebui", "--port", str(port))
        said, _ = made.communicate(timeout=60)
    assert made.returncode == 1 and f"Port {port} is taken" in said and "Traceback" not in said


# -- flags that ask for something else than serving, and routes that end it


@pytest.mark.parametrize(("what", "comes_back"), [("stop", False), ("kill", False), ("restart", True)])
def test_the_api_ends_and_restarts_the_server_where_a_flag_lets_it(tmp_path, what, comes_back):
    with process(tmp_path, "--skip-load-model-at-start", "--api-server-stop") as (program, url):
        lines_until(program, "Running on")
        with httpx.Client(base_url=url, verify=False) as client:
            assert client.post(f"/sdapi/v1/server-{what}").status_code == 200
            if comes_back:
                lines_until(program, f"Running on local URL:  {url}")
                assert client.get("/internal/ping").status_code == 200
                program.send_signal(signal.SIGTERM)
        said, _ = program.communicate(timeout=20)
    assert program.returncode == 0 and "Traceback" not in said


def test_passwords_are_hashed_in_their_file_and_a_report_is_written(tmp_path, monkeypatch, capsys):
    file = tmp_path / "logins"
    file.write_text("ann:key\n")
    monkeypatch.chdir(tmp_path)
    for flags, word in (
        ({"hash_passwords": True, "gradio_auth_path": str(file)}, "hashes: 1"),
        ({"dump_sysinfo": True}, "sysinfo.json"),
    ):
        app = build(Launch(data_dir=str(tmp_path / "data"), **flags))
        assert server.serve(app) == 0 and word in capsys.readouterr().out
        app.queue.close()
    assert "key" not in file.read_text() and "ann:scrypt:" in file.read_text()
    assert json.loads((tmp_path / "sysinfo.json").read_text())["Version"]
    app = build(Launch(data_dir=str(tmp_path / "data"), hash_passwords=True))
    with pytest.raises(WebuiError, match="--gradio-auth-path"):
        server.serve(app)
    app.queue.close()
