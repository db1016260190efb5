"""Network tags: what A1111 takes out of a prompt, and what it leaves in."""

import pytest

from modules.prompts.networks import NetworkTag, parse_tags


def test_a_tag_is_taken_out():
    assert parse_tags("<hypernet:x:1> a") == (" a", [NetworkTag("hypernet", ("x", "1"))])


def test_positional_and_named_items():
    text, (lora, lyco) = parse_tags("a <lora:a b:0.5>, <lyco:c:te=1:unet=2:dyn=3> b")
    assert text == "a ,  b"
    assert (lora.kind, lora.positional, lora.named) == ("lora", ("a b", "0.5"), {})
    assert (lyco.positional, lyco.named) == (("c",), {"te": "1", "unet": "2", "dyn": "3"})
    assert str(lyco) == "<lyco:c:te=1:unet=2:dyn=3>"
    assert NetworkTag("a", ("x=1=2", "")).positional == ("x=1=2", "")


@pytest.mark.parametrize("prompt", ["<lora:x:1", "<notanet> b", "\\<a\\>", "<a:>", "a < b: c", "a > b"])
def test_what_is_no_tag_is_text(prompt):
    assert parse_tags(prompt) == (prompt, [])
