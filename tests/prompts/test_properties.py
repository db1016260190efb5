"""What is written and read again is the same, whatever it is."""

import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from modules.generate import infotext
from modules.generate.plan import plan, request_from
from modules.prompts.attention import ROUND, SQUARE, Weighted, parse_attention
from modules.prompts.comments import strip_comments
from modules.prompts.composition import Part, parse_composition
from modules.prompts.infotext import quote, read, unquote, write
from modules.prompts.networks import NetworkTag, parse_tags
from modules.prompts.schedule import Step, parse_schedule
from modules.prompts.styles import Style, apply_styles, extract_styles

EXAMPLES = settings(max_examples=200, deadline=None)
FEW = settings(max_examples=60, deadline=None)

letters = st.text(alphabet="abé猫 ,.!", min_size=1, max_size=8)
lines = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60) | st.text(
    alphabet='ab ,:"\\\n()[]{}#', max_size=60
)


def escaped(text):
    return "".join("\\" + letter if letter in "()[]\\" else letter for letter in text)


def rendered(pieces):
    """A prompt that reads as these pieces."""
    weighed = [
        f"({escaped(one.text)}:{Decimal(one.weight):f})" if one.weight != 1 else escaped(one.text) for one in pieces
    ]
    return "".join(weighed)


@EXAMPLES
@given(st.text(alphabet="ab ()[]:\\1.5,", max_size=60))
def test_weights_render_and_read_again(prompt):
    pieces = parse_attention(prompt)
    assert parse_attention(rendered(pieces)) == pieces


nested = st.recursive(
    letters.map(lambda text: (text, [(text, 1.0)])),
    lambda inner: st.builds(
        lambda parts, bracket: (
            bracket[0] + "".join(text for text, _ in parts) + bracket[1],
            [(text, weight * bracket[2]) for _, pieces in parts for text, weight in pieces],
        ),
        st.lists(inner, min_size=1, max_size=3),
        st.sampled_from([("(", ")", ROUND), ("[", "]", SQUARE), ("(", ":1.5)", 1.5), ("(", ": 0.25 )", 0.25)]),
    ),
    max_leaves=8,
)


@EXAMPLES
@given(nested)
def test_nested_weights_multiply(made):
    prompt, wanted = made
    read_again = [(letter, piece.weight) for piece in parse_attention(prompt) for letter in piece.text]
    told = [(letter, weight) for text, weight in wanted for letter in text]
    assert [letter for letter, _ in read_again] == [letter for letter, _ in told]
    assert all(abs(a - b) < 1e-9 * abs(b) for (_, a), (_, b) in zip(read_again, told, strict=True))


def swap(before, after, when):
    """`[before:after:when]` with what it says at a step of 20."""
    return f"[{before[0]}:{after[0]}:{when}]", lambda step: before[1](step) if step <= when else after[1](step)


def alternate(options):
    return f"[{'|'.join(text for text, _ in options)}]", lambda step: options[(step - 1) % len(options)][1](step)


def sequence(parts):
    return "".join(text for text, _ in parts), lambda step: "".join(said(step) for _, said in parts)


plain = st.text(alphabet="abc ,.", max_size=6).map(lambda text: (text, lambda step: text))
constructs = st.recursive(
    plain,
    lambda inner: (
        st.builds(swap, inner, inner, st.integers(1, 19))
        | st.builds(alternate, st.lists(inner, min_size=2, max_size=3))
        | st.builds(sequence, st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=8,
)


@EXAMPLES
@given(constructs)
def test_schedules_say_at_each_step_what_they_were_written_for(made):
    prompt, said = made
    steps = parse_schedule(prompt, 20)
    for step in range(1, 21):
        assert next(one.text for one in steps if step <= one.until) == said(step)
    assert parse_schedule(steps[0].text, 20) == [Step(20, steps[0].text)]  # what is drawn holds no construct any more


weights = st.floats(-4, 4).map(lambda weight: round(weight, 3))


@EXAMPLES
@given(st.lists(st.tuples(st.text(alphabet="ab c,(é", max_size=8).map(str.rstrip), weights), min_size=1, max_size=4))
def test_parts_render_and_read_again(parts):
    prompt = " AND ".join(f"{text} :{weight}" for text, weight in parts)
    made = parse_composition(prompt)
    assert [Part(one.text.strip(), one.weight) for one in made] == [
        Part(text.strip(), weight) for text, weight in parts
    ]


items = st.lists(st.text(alphabet="ab 0.5=é", min_size=1, max_size=6), min_size=1, max_size=4)


@EXAMPLES
@given(st.lists(st.tuples(letters, st.sampled_from(["lora", "lyco", "hypernet"]), items), max_size=4), letters)
def test_tags_render_and_read_again(tags, rest):
    made = [(text, NetworkTag(kind, tuple(said))) for text, kind, said in tags]
    prompt = "".join(f"{text}{tag}" for text, tag in made) + rest
    assert parse_tags(prompt) == ("".join(text for text, _ in made) + rest, [tag for _, tag in made])


@EXAMPLES
@given(lines)
def test_comments_go_once(prompt):
    once = strip_comments(prompt)
    assert "#" not in once and strip_comments(once) == once


styles = st.builds(
    Style,
    st.just("x"),
    st.sampled_from(["", "a", "b {prompt} c", "{prompt}d"]),
    st.sampled_from(["", "e", "{prompt} f"]),
)


@EXAMPLES
@given(st.lists(styles, max_size=3), st.text(alphabet="abcdef, ", max_size=10), st.text(alphabet="ef, ", max_size=10))
def test_styles_that_are_found_give_the_same_prompts_again(chosen, prompt, negative):
    chosen = [Style(str(number), style.prompt, style.negative_prompt) for number, style in enumerate(chosen)]
    dressed = tuple(text.strip() for text in apply_styles(prompt, negative, chosen))
    names, *bare = extract_styles(*dressed, chosen)
    again = apply_styles(*bare, [chosen[int(name)] for name in names])
    assert [text.replace(" ", "") for text in again] == [text.replace(" ", "") for text in dressed]


@EXAMPLES
@given(lines)
def test_quoting_round_trips(value):
    assert unquote(quote(value)) == value
    assert read(write("a", "b", {"Steps": 1, "Some key": value, "Seed": 1})).pairs["Some key"] == value


def as_prompt(text):
    """As an infotext can hold it: the lines without blanks at their ends, no empty ones before the first."""
    return as_negative(text.lstrip())


def as_negative(text):
    """The same, but that empty lines before the first are held too."""
    return "\n".join(line.strip() for line in text.split("\n"))


@EXAMPLES
@given(lines, lines)
def test_prompts_come_back_from_an_infotext(prompt, negative):
    found = read(write(prompt, negative, {"Steps": 1, "Sampler": "Euler", "Seed": 1}))
    assert (found.prompt, found.negative_prompt) == (as_prompt(prompt), as_negative(negative))


requests = st.fixed_dictionaries(
    {
        "prompt": lines.map(as_prompt),
        "negative_prompt": lines.map(as_negative),
        "seed": st.integers(0, 2**32),
        "steps": st.integers(1, 150),
        "cfg_scale": st.floats(0, 30),
        "width": st.integers(8, 2048),
        "height": st.integers(8, 2048),
        "sampler_name": st.sampled_from(["Euler", "Euler a", "DPM++ 2M Karras", "Heun"]),
        "subseed_strength": st.sampled_from([0.0, 0.25]),
        "subseed": st.integers(0, 2**32),
        "override_settings": st.fixed_dictionaries(
            {},
            optional={
                "CLIP_stop_at_last_layers": st.integers(1, 12),
                "emphasis": st.sampled_from(["None", "Ignore", "No norm"]),
                "use_old_scheduling": st.booleans(),
                "pad_cond_uncond": st.booleans(),
                "eta_noise_seed_delta": st.integers(-99, 99),
                "randn_source": st.sampled_from(["CPU", "GPU"]),
            },
        ),
    }
)


@FEW
@given(requests)
def test_an_infotext_is_its_request(app, values):
    planned = plan(request_from(values), app.options, app.library)
    reading = infotext.read(infotext.write(planned, 0, planned.checkpoint), planned.view.specs())
    assert not reading.unknown
    reading.overrides.pop("sd_model_checkpoint", None)
    assert reading.request() == planned.request_for(0)


def test_a_long_prompt_comes_back():
    drawn = random.Random(5)
    prompt = as_prompt("".join(drawn.choice('ab, :"\\\n(1.2)[x|y]{é猫}') for _ in range(10_000)))
    found = read(write(prompt, prompt, {"Steps": 1, "Sampler": "Euler", "Template": prompt}))
    assert (found.prompt, found.negative_prompt, found.pairs["Template"]) == (prompt, prompt, prompt)


def test_the_word_of_a_negative_prompt_is_text_within_it():
    negative = "a\nNegative prompt: b"
    assert read(write("p", negative, {"Steps": 1, "Sampler": "Euler", "Seed": 1})).negative_prompt == negative


def test_break_reads_again():
    assert parse_attention("a BREAK b") == [Weighted("a"), Weighted("BREAK", -1.0), Weighted("b")]
