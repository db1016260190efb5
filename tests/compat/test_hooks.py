"""A1111's hooks and callbacks through whole jobs: called in order, with its arguments, and `p` is read back."""

import pytest

from modules.exceptions import ExtensionError
from modules.generate.request import Img2Img, Txt2Img

ALL = """
    from modules import script_callbacks, scripts
    seen = []

    class Listening(scripts.Script):
        def title(self):
            return "Listening"

        def show(self, is_img2img):
            return scripts.AlwaysVisible

        def ui(self, is_img2img):
            import gradio as gr
            return [gr.Checkbox(True, label="on"), gr.Slider(0, 1, 0.5, label="how much")]

    def hook(name):
        def called(self, p, *args, **words):
            seen.append((name, args[-2:], sorted(words)))
        return called

    for name in (
        "setup", "before_process", "process", "before_process_batch", "after_extra_networks_activate", "process_batch",
        "process_before_every_sampling", "before_hr", "post_sample", "postprocess_batch", "postprocess_batch_list",
        "postprocess_image", "postprocess_maskoverlay", "postprocess_image_after_composite", "on_mask_blend",
        "postprocess",
    ):
        setattr(Listening, name, hook(name))
    for name in ("before_image_saved", "image_saved", "cfg_denoiser", "cfg_denoised", "cfg_after_cfg"):
        getattr(script_callbacks, f"on_{name}")(lambda params, name=name: seen.append((name, params)))
"""
CHANGING = """
    from modules import scripts

    class Changing(scripts.Script):
        def title(self):
            return "Changing"

        def show(self, is_img2img):
            return scripts.AlwaysVisible

        def before_process(self, p):
            p.steps, p.foreign = 2, "kept"

        def process(self, p):
            p.all_prompts = [text + ", blue" for text in p.all_prompts]
            p.all_seeds[1] = 99
            p.cfg_scale = 3
            p.extra_generation_params["Mine"] = p.foreign

        def before_process_batch(self, p, batch_number, prompts, seeds, subseeds):
            p.prompts[0] += f", batch {batch_number}"

        def postprocess_batch(self, p, images, **words):
            images[:] = 0.5

        def postprocess_image(self, p, pp):
            pp.image = pp.image.resize((32, 32))
            p.extra_generation_params["Late"] = 1

        def postprocess(self, p, processed):
            processed.images.append(processed.images[0].copy())
            processed.infotexts.append("one more")
"""
STEERING = """
    from modules import script_callbacks
    from modules.script_callbacks import CFGDenoiserParams

    def asked(params: CFGDenoiserParams):
        params.text_cond = params.text_uncond.clone()

    script_callbacks.on_cfg_denoiser(asked)
"""
BROKEN = """
    from modules import scripts

    class Broken(scripts.Script):
        def title(self):
            return "Broken"

        def show(self, is_img2img):
            return scripts.AlwaysVisible

        def process(self, p):
            raise KeyError("no such thing")

        def postprocess(self, p, processed):
            raise AssertionError("it is left out by now")
"""
RUNNING = """
    from modules import processing, scripts

    class Running(scripts.Script):
        def title(self):
            return "Twice"

        def ui(self, is_img2img):
            import gradio as gr
            return [gr.Textbox("dog", label="word")]

        def run(self, p, word):
            first = processing.process_images(p)
            p.prompt, p.n_iter = word, 1
            second = processing.process_images(p)
            first.images += second.images
            first.infotexts += second.infotexts
            return first
"""
MASKED = """
    from modules import scripts
    seen = []

    class Masked(scripts.Script):
        def title(self):
            return "Masked"

        def show(self, is_img2img):
            return scripts.AlwaysVisible

        def ui(self, is_img2img):
            import gradio as gr
            return [gr.State(lambda: {"word": "dog"}), gr.State(self)]

        def postprocess_image(self, p, pp, state, thing):
            seen.append((p.image_mask, p.mask, state))
"""
GIVEN = """
    import gradio as gr
    from modules import scripts

    class Given(scripts.Script):
        def title(self):
            return "Given"

        def show(self, is_img2img):
            return scripts.AlwaysVisible

        def ui(self, is_img2img):
            return [gr.Textbox("nothing", label="word")]

        def process(self, p, word):
            p.extra_generation_params["Given"] = word
"""
SMALL = {"width": 64, "height": 64, "steps": 2, "seed": 5, "prompt": "a cat", "do_not_save_grid": True}


def wishes(guest, tab="txt2img", script="", args=()):
    return guest.asked(tab, script, list(args), {})


def made(app, request, **wanted):
    return app.generate(request, wishes=wanted.pop("wishes", None)).wait(120)


def seen_by(name):
    from modules import scripts

    return next(data.module.seen for data in scripts.scripts_data if data.script_class.__name__ == name)


def test_every_hook_is_called_in_order(names, extension):
    guest = extension(listening=ALL)
    request = Txt2Img(**SMALL, enable_hr=True, hr_scale=1.5, override_settings={"outdir_samples": "outputs/hooks"})
    made(names, request, wishes=wishes(guest))
    called = [one[0] for one in seen_by("Listening")]
    assert called[:6] == [
        "setup", "before_process", "process", "before_process_batch", "process_batch", "after_extra_networks_activate",
    ]  # fmt: skip
    assert called.count("process_before_every_sampling") == 2 and called.count("before_hr") == 1
    assert called.count("cfg_denoiser") == called.count("cfg_denoised") == called.count("cfg_after_cfg") > 2
    assert called[called.index("post_sample") :] == [
        "post_sample", "postprocess_batch", "postprocess_batch_list", "postprocess_image",
        "postprocess_image_after_composite", "before_image_saved", "image_saved", "postprocess",
    ]  # fmt: skip
    by_name = {one[0]: one for one in seen_by("Listening")}
    assert by_name["process"][1] == (True, 0.5)  # its own components' values
    assert by_name["process_batch"][2] == ["batch_number", "prompts", "seeds", "subseeds"]
    steps = [one[1] for one in seen_by("Listening") if one[0] == "cfg_denoiser"]
    assert steps[0].x.shape == (2, 4, 8, 8) and steps[0].sigma.shape == (2,)
    assert (steps[0].sampling_step, steps[0].total_sampling_steps) == (0, 2)
    assert steps[0].text_cond.shape == steps[0].text_uncond.shape == (1, 77, 64)
    saved = by_name["image_saved"][1]
    assert saved.filename.endswith(".png") and saved.p.seed == 5
    assert saved.pnginfo["parameters"].startswith("a cat")


def test_masks_have_their_hooks(names, extension):
    from PIL import Image

    guest = extension(listening=ALL)
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    given = {"init_images": [Image.new("RGB", (64, 64), "red")], "mask": mask, "do_not_save_samples": True}
    made(names, Img2Img(**SMALL, **given), wishes=wishes(guest, "img2img"))
    called = [one[0] for one in seen_by("Listening")]
    assert "on_mask_blend" in called and "image_saved" not in called
    assert called.index("postprocess_image") < called.index("postprocess_maskoverlay")
    assert called.index("postprocess_maskoverlay") < called.index("postprocess_image_after_composite")


def test_the_mask_given_and_the_latents_are_apart_and_a_states_function_is_called(names, extension):
    from PIL import Image

    guest = extension(masked=MASKED)
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    given = {"init_images": [Image.new("RGB", (64, 64), "red")], "mask": mask, "do_not_save_samples": True}
    made(names, Img2Img(**SMALL, **given), wishes=wishes(guest, "img2img"))
    [(picture, kept, state)] = seen_by("Masked")
    assert picture.tobytes() == mask.tobytes() and tuple(kept.shape[-2:]) == (8, 8)
    assert float(kept[..., 0].max()) == 0 and float(kept[..., 7].min()) == 1
    assert state == {"word": "dog"}
    assert [one["value"] for one in guest.scripts()[0]["args"]] == [{"word": "dog"}, None]


def test_what_hooks_change_is_read_back(names, extension):
    guest = extension(changing=CHANGING)
    result = made(names, Txt2Img(**SMALL, n_iter=2, do_not_save_samples=True), wishes=wishes(guest))
    texts = [one.infotext for one in result.pictures]
    assert texts[0].startswith("a cat, blue, batch 0\nSteps: 2,") and "Seed: 5," in texts[0]
    assert texts[1].startswith("a cat, blue, batch 1\nSteps: 2,") and "Seed: 99," in texts[1]
    assert "CFG scale: 3," in texts[0] and "Mine: kept" in texts[0] and "Late: 1" in texts[0]
    assert result.pictures[0].image.size == (32, 32)
    assert result.pictures[0].image.getpixel((9, 9)) == (127, 127, 127)
    assert len(result.pictures) == 3 and texts[2] == "one more"


def test_a_step_may_be_steered(names, extension):
    request = Txt2Img(**SMALL, do_not_save_samples=True)
    plain = made(names, request).pictures[0].image.tobytes()
    extension(steering=STEERING)
    assert made(names, request).pictures[0].image.tobytes() != plain


def test_an_extension_that_fails_is_named_and_left_out(names, extension):
    guest = extension(broken=BROKEN, changing=CHANGING)
    result = made(names, Txt2Img(**SMALL, n_iter=2, do_not_save_samples=True), wishes=wishes(guest))
    (comment,) = result.comments
    assert comment == "Extension 'broken' failed in process: KeyError: 'no such thing'"
    assert "Mine: kept" in result.pictures[0].infotext  # the others go on
    assert "raise KeyError" in names.extensions.troubles.of("broken")[0].trace


def test_a_file_that_cannot_be_read_is_named(names, extension):
    extension(unreadable="import no_such_package_anywhere")
    (trouble,) = names.extensions.troubles.of("unreadable")
    assert trouble.where == "in scripts/unreadable.py"
    assert "no_such_package_anywhere" in trouble.sentence and "no_such_package_anywhere" in trouble.trace


def test_a_selectable_script_makes_the_pictures(names, extension):
    guest = extension(running=RUNNING)
    asked = wishes(guest, script="twice", args=["mouse"])
    result = made(names, Txt2Img(**SMALL, do_not_save_samples=True), wishes=asked)
    assert [one.infotext.split("\n")[0] for one in result.pictures] == ["a cat", "mouse"]
    assert not wishes(guest, script="thrice")["script"]  # whoever else has it makes them


def test_p_is_made_subclassed_and_driven_from_any_thread(names):
    from modules import processing, shared

    class Mine(processing.StableDiffusionProcessingTxt2Img):
        pass

    p = Mine(sd_model=shared.sd_model, batch_size=2, sampler_name="Euler a", **SMALL, do_not_save_samples=True)
    p.anything = {"of": "mine"}
    processed = processing.process_images(p)
    assert len(processed.images) == 2 and processed.all_seeds == [5, 6]
    assert processed.infotexts[0] == processed.infotext(p, 0)
    assert "Sampler: Euler a" in processed.infotexts[1] and p.anything == {"of": "mine"}


def test_a_prompt_that_an_extension_loses_stays(names, extension):
    guest = extension(
        losing="""
        from modules import scripts
        class Losing(scripts.Script):
            def title(self): return "losing"
            def show(self, is_img2img): return scripts.AlwaysVisible
            def process(self, p):
                p.all_prompts[0] = None
                p.all_negative_prompts = [7]
        """
    )
    result = made(names, Txt2Img(**SMALL, do_not_save_samples=True), wishes=wishes(guest))
    assert result.pictures[0].infotext.startswith("a cat\nNegative prompt: 7\n")


def test_a_selectable_script_that_fails_is_named(names, extension):
    guest = extension(
        failing="""
        from modules import scripts
        class Failing(scripts.Script):
            def title(self): return "Failing"
            def run(self, p): raise ValueError("8 is none")
        """
    )
    named = "Extension 'failing' failed in its script 'Failing': ValueError: 8 is none"
    with pytest.raises(ExtensionError, match=named):
        made(names, Txt2Img(**SMALL, do_not_save_samples=True), wishes=wishes(guest, script="failing"))


def test_an_extensions_arguments_hold_in_every_cell_of_the_programs_own_plot(extension, names):
    guest = extension(given=GIVEN)
    always = {"Given": {"args": ["warm"]}}
    wished = guest.asked("txt2img", "X/Y/Z plot", [], always)
    args = ["Seed", "1, 2", [], "Nothing", "", [], "Nothing", "", [], True, True]
    result = names.generate(Txt2Img(**SMALL, script_name="X/Y/Z plot", script_args=args), wishes=wished).wait(120)
    assert always == {} and len(result.pictures) == 2
    assert all("Given: warm" in one.infotext for one in result.pictures)
