"""Callbacks that belong to no script: when they come, what they change, and those that are left behind."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from modules import server
from modules.compat.callbacks import CALLBACKS
from modules.generate.request import Img2Img, Txt2Img
from modules.guests import hooks_of
from modules.webapi import tokens

SMALL = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64, "seed": 5, "do_not_save_samples": True}
ORDER = """
from modules import script_callbacks, scripts
seen = []
for kind in ("ui_settings", "before_ui", "ui_tabs", "app_started", "before_reload", "script_unloaded", "ui_train_tabs",
             "list_optimizers", "list_unets", "model_loaded"):
    getattr(script_callbacks, f"on_{kind}")(lambda *words, kind=kind: seen.append((kind, "first")))
script_callbacks.on_script_unloaded(lambda: seen.append(("script_unloaded", "second")))
class Kept(scripts.Script):
    seen = seen
    def title(self): return "kept"
"""


def seen_by(extension_name="kept"):
    from modules.compat.registry import REGISTRY

    return next(data.script_class.seen for data in REGISTRY.scripts_data if hasattr(data.script_class, "seen"))


def test_from_the_start_to_the_end(names, extension):
    guest = extension(order=ORDER)
    seen = seen_by()
    guest.before_page()
    guest.pages()
    guest.started(None, FastAPI())
    server._tell_ending(names)
    told = [kind for kind, _ in seen if kind != "ui_settings"]
    assert told == ["list_optimizers", "list_unets", "before_ui", "ui_tabs", "app_started", "before_reload",
                    "script_unloaded", "script_unloaded"]  # fmt: skip
    assert [which for kind, which in seen if kind == "script_unloaded"] == ["second", "first"]
    assert "ui_train_tabs" not in told  # there is no such tab


def test_a_model_that_is_read_is_told_once(names, extension):
    extension(order=ORDER)
    seen = seen_by()
    names.unload_checkpoint().wait(60)
    names.load_checkpoint().wait(60)
    names.load_checkpoint().wait(60)
    assert seen.count(("model_loaded", "first")) == 1


LEAKING = """
from modules import script_callbacks, scripts
class Leaking(scripts.Script):
    seen = []
    def title(self): return "leaking"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def process(self, p):
        for number in (1, 2):
            script_callbacks.on_cfg_denoiser(lambda params, n=number: self.seen.append(n * params.denoiser.steps))
"""


def test_callbacks_that_each_job_leaves_behind_are_taken_off_and_told(names, extension):
    guest = extension(leaking=LEAKING)
    seen = seen_by()

    def hooked(progress):
        return names.scripts.hooks(progress, lambda plan: hooks_of([guest], "txt2img", {}, plan))

    from modules.generate.plan import plan

    for _ in range(3):
        seen.clear()
        planned = plan(Txt2Img(**SMALL), names.options, names.library, names.sources)
        names.queue.submit(
            "txt2img", lambda progress, one=planned: names.engine.run(one, progress, hooked(progress))
        ).wait(60)
        assert sorted(set(seen)) == [1, 2] and len(CALLBACKS.map["callbacks_cfg_denoiser"]) == 2
    (trouble,) = names.extensions.troubles.of("leaking")
    assert "with on_cfg_denoiser" in trouble.sentence and "job after job" in trouble.sentence


COUNTING = """
from modules import script_callbacks, scripts
class Counting(scripts.Script):
    seen = []
    def title(self): return "counting"
script_callbacks.on_cfg_denoiser(lambda params: Counting.seen.append((
    params.sampling_step, params.total_sampling_steps, params.denoiser.step, params.denoiser.total_steps)))
"""


@pytest.mark.parametrize(("sampler", "calls"), [("Euler", 1), ("Heun", 2)])
def test_steps_are_counted_without_those_that_img2img_leaves_out(names, extension, sampler, calls):
    guest = extension(counting=COUNTING)
    seen = seen_by("counting")
    images = [Image.new("RGB", (64, 64), "red")]
    request = Img2Img(**SMALL | {"steps": 6, "init_images": images, "denoising_strength": 0.5, "sampler_name": sampler})
    from modules.generate.plan import plan

    planned = plan(request, names.options, names.library, names.sources)

    def work(progress):
        hooks = names.scripts.hooks(progress, lambda one: hooks_of([guest], "img2img", {}, one))
        return names.engine.run(planned, progress, hooks)

    names.queue.submit("img2img", work).wait(60)
    last = 4 * calls - calls  # Heun's last step, to no noise, is Euler's
    assert seen == [(call // calls, 4, call, 4 * calls) for call in range(last + 1)]


def test_who_failed_in_a_job_is_asked_again_in_the_next_and_not_in_the_same(names, extension):
    from modules.compat.blame import BLAME

    first, calls = object(), []

    def fails():
        calls.append(1)
        raise KeyError("x")

    BLAME.begin(first)
    assert BLAME.call("a", "process", fails, 7) == 7 and BLAME.call("a", "postprocess", lambda: 8, 9) == 9
    BLAME.end()
    BLAME.begin(first)  # another picture of the same job
    assert BLAME.call("a", "process", fails, 7) == 7 and BLAME.comments()
    BLAME.begin(object())
    assert BLAME.call("a", "postprocess", lambda: 8, 9) == 8 and BLAME.comments() == []
    BLAME.end()
    for _ in range(2):  # outside of jobs each call is on its own
        assert BLAME.call("a", "before_ui", fails, 7) == 7
    assert len(calls) == 3
    names.extensions.troubles.forget("a")


def test_an_ending_that_hangs_does_not_hold_the_server(names, monkeypatch):
    import threading

    from modules.host.events import Ending

    monkeypatch.setattr(server, "LAST_STEP", 0.05)
    gate = threading.Event()
    end = names.events.on(Ending, lambda event: gate.wait(10))
    try:
        server._tell_ending(names)
        assert not gate.is_set()
    finally:
        gate.set()
        end()


GRID = """
from PIL import Image
from modules import script_callbacks
def one_more_in_a_row(params):
    params.imgs.append(Image.new("RGB", (64, 64), "red"))
    params.cols, params.rows = len(params.imgs), 1
script_callbacks.on_image_grid(one_more_in_a_row)
"""
PLOT = {"script_name": "x/y/z plot", "script_args": ["Steps", "1,2", [], "Nothing", "", [], "Nothing", "", [], False]}
MATRIX = {"prompt": "a cat|big|red", "script_name": "prompt matrix"}


@pytest.mark.parametrize(
    ("words", "usual", "wanted"),
    [
        ({"n_iter": 4}, (128, 128), (5 * 64, 64)),
        ({"script_name": "loopback"}, (128, 64), (3 * 64, 64)),
        (PLOT, (128, 64), (2 * 192, 64)),  # the sheet of one Z, and then the whole plot
        (MATRIX, (176, 138), (368, 74)),  # its legend's cells become smaller by that
    ],
)
def test_a_grid_is_laid_out_as_an_extension_wants(names, extension, words, usual, wanted):
    kind = {"loopback": Img2Img}.get(words.get("script_name"), Txt2Img)
    given = {"init_images": [Image.new("RGB", (64, 64), "blue")], "script_args": [2, 0.5, "Linear", "None"]}
    request = kind(**SMALL | {"override_settings": {"grid_save": False}} | (given if kind is Img2Img else {}) | words)

    def sheet():
        result = names.generate(request).wait(60)
        return (result.grid or result.grids[0]).image

    assert sheet().size == usual
    extension(grid=GRID)
    assert sheet().size == wanted


def test_a_grid_that_nobody_can_lay_out_stays_as_it_was(names, extension):
    extension(grid=GRID.replace("len(params.imgs), 1", "None, 0"))
    assert names.generate(Txt2Img(**SMALL, n_iter=4)).wait(60).grid.image.size == (128, 128)


NOISE = """
from modules import script_callbacks, scripts
from modules.script_callbacks import ExtraNoiseParams
class Quiet(scripts.Script):
    seen = []
    def title(self): return "quiet"
def silenced(params: ExtraNoiseParams):
    Quiet.seen.append((params.x.clone(), params.xi.clone(), params.noise.clone()))
    params.noise = params.noise * 0
script_callbacks.on_extra_noise(silenced)
"""


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
@pytest.mark.parametrize("kind", [Txt2Img, Img2Img])
def test_extra_noise_is_the_extensions(names, extension, kind, sampler):
    words = (
        {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "Latent"}
        if kind is Txt2Img
        else {"init_images": [Image.new("RGB", (64, 64), "blue")]}
    )

    def drawn(extra):
        wish = {"img2img_extra_noise": extra}
        asked = kind(**SMALL | words | {"steps": 3, "sampler_name": sampler, "override_settings": wish})
        return names.generate(asked).wait(60).pictures[0].image.tobytes()

    plain = drawn(0)
    assert drawn(0.3) != plain
    extension(noise=NOISE)
    seen = seen_by()
    assert drawn(0) == plain and not seen  # there is none to ask for
    assert drawn(0.3) == plain
    ((x, xi, noise),) = seen
    assert x.shape == xi.shape == noise.shape and not x.equal(xi)


COUNTED = """
from modules import script_callbacks
from modules.script_callbacks import BeforeTokenCounterParams
def shorter(params: BeforeTokenCounterParams):
    params.prompt = params.prompt.replace("$animals", "cat dog") if params.is_positive else "a"
    params.steps, params.styles = 10, []
script_callbacks.on_before_token_counter(shorter)
"""


def test_a_prompt_is_counted_as_an_extension_wants_it(names, extension):
    api = FastAPI()
    api.include_router(tokens.routes(names, None))
    client = TestClient(api)

    def told():
        body = {"prompt": "$animals [x:y y:8]", "negative_prompt": "b c d", "steps": 20}
        answer = client.post("/internal/token-counts", json=body).json()
        return answer["prompt"]["count"], answer["negative_prompt"]["count"]

    assert told()[1] == 3
    extension(counted=COUNTED)
    assert told() == (4, 1)


def test_a_token_counter_that_fails_is_named_and_the_page_counts_on(names, extension):
    extension(counted="from modules import script_callbacks\nscript_callbacks.on_before_token_counter(lambda: 0)")
    assert tokens.counted(names, tokens.Counting("a cat", 20, [], False)).count == 2
    assert "in on_before_token_counter" in names.extensions.troubles.of("counted")[0].where
