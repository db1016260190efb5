"""Where others join in: each place in its order, and what they exchange counts."""

from dataclasses import replace

import numpy as np
from PIL import Image

from modules.generate.hooks import Hooks
from modules.generate.plan import plan, request_from
from modules.generate.request import Img2Img, Txt2Img
from modules.jobs.progress import Progress

QUICK = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 5, "sampler_name": "Euler"}
PLACES = [name for name in vars(Hooks) if not name.startswith("_") and name != "overrides"]


def recorder():
    """Hooks that write down where they were called, and otherwise do what Hooks do."""

    def noting(name):
        def method(self, *given):
            self.seen.append(name)
            return getattr(Hooks, name)(self, *given)

        return method

    made = type("Recorder", (Hooks,), {name: noting(name) for name in PLACES})()
    made.seen = []
    return made


def run(app, kind, hooks, **values):
    planned = plan(request_from(QUICK | values, kind), app.options, app.library)
    return app.engine.run(planned, Progress(), hooks)


def unsaved(app, hooks, kind=Txt2Img, **values):
    return run(app, kind, hooks, do_not_save_samples=True, do_not_save_grid=True, **values)


def test_the_places_come_in_order(app):
    hooks = recorder()
    unsaved(app, hooks, n_iter=2)
    call = ["asking", "answered", "guided"]
    batch = ["next_batch", "batch_made", "before_sampling", *call, *call, "sampled", "decoded", "drawn", "composed"]
    assert hooks.seen == ["instead", "begin", *batch, *batch, "finished"]


def test_the_places_of_hires_and_inpainting(app):
    hooks = recorder()
    unsaved(app, hooks, enable_hr=True, hr_scale=1.5)
    assert hooks.seen.count("before_sampling") == hooks.seen.count("sampled") == 2
    assert hooks.seen.index("before_hires") > hooks.seen.index("sampled")
    picture, mask = Image.new("RGB", (64, 64), "teal"), Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 48))
    hooks = recorder()
    unsaved(app, hooks, Img2Img, init_images=[picture], mask=mask, denoising_strength=1.0)
    assert hooks.seen[:4] == ["instead", "begin", "source_made", "next_batch"]
    assert hooks.seen.count("blend") == 3 and hooks.seen.index("drawn") + 1 == hooks.seen.index("overlaying")


def test_what_hooks_exchange_counts(app):
    class Changing(Hooks):
        def guided(self, batch, call):
            call.denoised = call.denoised * 0

        def decoded(self, batch, pictures):
            return pictures * 0 + 0.5

        def composed(self, batch, index, image):
            batch.told[index]["Painted"] = "red"
            image.paste("red", (0, 0, 8, 8))
            return image

        def finished(self, result):
            return replace(result, comments=("Changed.",))

    result = unsaved(app, Changing())
    pixels = np.asarray(result.pictures[0].image)
    assert (pixels[:8, :8] == (255, 0, 0)).all() and np.abs(pixels[8:].astype(int) - 128).max() <= 1
    assert "Painted: red" in result.pictures[0].infotext and result.comments == ("Changed.",)


def test_a_run_inside_a_run(app):
    class Twice(Hooks):
        def instead(self, plan, draw):
            first = draw(plan)
            return replace(first, pictures=first.pictures + draw(plan).pictures)

    one, other = unsaved(app, Twice()).pictures
    assert one.image.tobytes() == other.image.tobytes()


def test_a_saved_picture_can_be_exchanged(app, tmp_path):
    class Renaming(Hooks):
        def saving(self, plan, saving):
            saving.image, saving.name, saving.folder = Image.new("RGB", (8, 8)), "other", tmp_path
            saving.texts["note"] = "mine"

        def saved(self, plan, saving):
            self.path = saving.path

    hooks = Renaming()
    result = run(app, Txt2Img, hooks, do_not_save_grid=True)
    assert hooks.path == result.pictures[0].path and hooks.path.parent == tmp_path and "other" in hooks.path.name
    with Image.open(hooks.path) as image:
        assert image.size == (8, 8) and image.text["note"] == "mine" and "a cat" in image.text["parameters"]
