"""The text encoder."""

import torch
from transformers import CLIPTextConfig, CLIPTextModel

from modules.weights.text import TextEncoder


def test_equal_chunks_are_read_once_until_the_weights_change():
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1}
    model = CLIPTextModel(CLIPTextConfig(vocab_size=99, **sizes)).eval()
    calls = []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    encoder = TextEncoder(model, torch.device("cpu"))
    chunk = tuple(range(77))
    with torch.inference_mode():
        first = encoder.encode([chunk])
        assert torch.equal(encoder.encode([chunk]), first) and len(calls) == 1
        assert not torch.equal(encoder.encode([chunk], 2), first) and len(calls) == 2
        encoder.forget()
        assert torch.equal(encoder.encode([chunk]), first) and len(calls) == 3
        for number in range(2 * encoder.KEPT):
            encoder.encode([(number % 99, *chunk[1:])])
    assert len(encoder._made) == encoder.KEPT
