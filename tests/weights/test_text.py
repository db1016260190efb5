"""The text encoder."""

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel

from modules.weights.arch import Tower
from modules.weights.text import END, TextEncoder, _padded

CHUNK = tuple(range(77))


@pytest.fixture
def encoder():
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1}
    model = CLIPTextModel(CLIPTextConfig(vocab_size=99, **sizes)).eval()
    return TextEncoder(model, torch.device("cpu"), Tower(part="te1", prefix=""))


def test_words_stand_for_rows_of_the_table(encoder):
    table = encoder.model.get_input_embeddings().weight.detach()
    encoder.learn({"cat": table[[40, 41]]})
    with torch.inference_mode():
        plain = encoder.encode([CHUNK])
        assert torch.allclose(encoder.encode([CHUNK], words=(((40, "cat"),),)), plain, atol=1e-6)
        moved = encoder.encode([CHUNK, CHUNK], words=((), ((50, "cat"),)))
        swapped = encoder.encode([(*CHUNK[:50], 40, 41, *CHUNK[52:])])
        assert torch.allclose(moved[0], plain[0], atol=1e-6) and torch.allclose(moved[1], swapped[0], atol=1e-6)
        assert torch.equal(encoder.encode([CHUNK]), plain)
        encoder.learn({"cat": table[[1, 2]]})
        assert not torch.allclose(encoder.encode([CHUNK], words=(((40, "cat"),),)), plain, atol=1e-6)


def test_equal_chunks_are_read_once_until_the_weights_change(encoder):
    calls, chunk = [], CHUNK
    encoder.model.register_forward_pre_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        first = encoder.encode([chunk])
        assert torch.equal(encoder.encode([chunk]), first) and len(calls) == 1
        assert not torch.equal(encoder.encode([chunk], 2), first) and len(calls) == 2
        encoder.forget()
        assert torch.equal(encoder.encode([chunk]), first) and len(calls) == 3
        for number in range(2 * encoder.KEPT):
            encoder.encode([(number % 99, *chunk[1:])])
    assert len(encoder._made) == encoder.KEPT


def test_only_another_padding_replaces_what_follows_an_end_token():
    """As in A1111 "castle <|endoftext|> hill" keeps its hill, unless the encoder pads with another token than END."""
    row = (49406, 3540, END, 2682, END, END)
    assert _padded(row, pad=END) == row
    assert _padded(row, pad=0) == (49406, 3540, END, 0, 0, 0)
