"""Callbacks outside of a picture's making: when they come, in which order, and those that are left behind."""

from fastapi import FastAPI

from modules import server
from modules.compat.callbacks import CALLBACKS
from modules.generate.request import Txt2Img
from modules.guests import hooks_of

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
            script_callbacks.on_cfg_denoiser(lambda params, number=number: self.seen.append(number))
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
        assert sorted(set(seen)) in ([], [1, 2]) and len(CALLBACKS.map["callbacks_cfg_denoiser"]) == 2
    (trouble,) = names.extensions.troubles.of("leaking")
    assert "with on_cfg_denoiser" in trouble.sentence and "job after job" in trouble.sentence


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
