"""Pictures described: a BLIP model of drawn weights, from its folder to a text file, and what is missing told."""

import json

import pytest
import torch
from PIL import Image

from modules.exceptions import CorruptFile, MissingNetwork
from modules.generate.extras import Source
from modules.generate.operations import Extras

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "a", "red", "star", "##s", "on", "green", "hill", "##y"]


def blip(folder):
    """A tiny BLIP of these words."""
    from transformers import BlipConfig, BlipForConditionalGeneration

    torch.manual_seed(3)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    marks = {"bos_token_id": 5, "pad_token_id": 0, "eos_token_id": 3, "sep_token_id": 3}
    text = sizes | marks | {"vocab_size": len(WORDS), "encoder_hidden_size": 16, "max_position_embeddings": 64}
    made = BlipConfig(text_config=text, vision_config=sizes | {"image_size": 32, "patch_size": 16})
    BlipForConditionalGeneration(made).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "additional_special_tokens": ["[DEC]"]})
    )


def caption_of(app, folder, **wishes):
    source = Source(lambda: Image.new("RGB", (48, 24), "red"), "cat.png")
    app.extras(Extras(caption=["BLIP"], **wishes), [source], folder).wait(240)
    return (folder / "cat.txt").read_text()


def test_a_picture_is_described_beside_itself(fresh_app, tmp_path):
    with pytest.raises(MissingNetwork, match="BLIP"):
        caption_of(fresh_app, tmp_path / "none")
    folder = fresh_app.folders.models / "BLIP" / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    with pytest.raises(CorruptFile, match="tiny"):
        caption_of(fresh_app, tmp_path / "none")
    blip(folder)
    said = caption_of(fresh_app, tmp_path / "out")
    assert set("".join(said.split())) <= set("".join(WORDS[6:])) and said  # words of its own, no marks
    assert fresh_app.describe(Image.new("RGB", (48, 24), "red")).wait(240) == said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cat.png", "cat.txt"]
    fresh_app.options.change({"save_txt": True, "postprocessing_existing_caption_action": "Append"})
    texts = caption_of(fresh_app, tmp_path / "texts")
    assert texts.startswith(said)
