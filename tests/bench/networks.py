"""A rank-32 LoRA on a UNet and text encoder of SD 1.5's size, against the bare matrix products and a memory copy."""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
from accelerate import init_empty_weights
from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel
from transformers.models.clip.modeling_clip import CLIPEncoderLayer

from modules.weights.networks.keys import modules, plain
from modules.weights.networks.overlay import Applied, Overlay
from modules.weights.networks.reading import arranged

RANK = 32
AIMS = {"on": 1.2, "off": 1.1}


def full_size():
    """(UNet, text encoder) with SD 1.5's shapes and arbitrary numbers."""
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    with init_empty_weights():
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
        tower = CLIPTextModel(CLIPTextConfig(**text))
    for part in (unet, tower):
        part.to_empty(device="cpu").requires_grad_(False)
        for parameter in part.parameters():
            parameter.fill_(0.01)
    return unet, tower


def lora(unet, tower):
    """Kohya's usual choice: all linear layers of the transformer blocks."""
    tensors = {}
    for part, start, kind in (
        (unet, "lora_unet_", BasicTransformerBlock),
        (tower, "lora_te_text_model_", CLIPEncoderLayer),
    ):
        for name, block in part.named_modules():
            for inner, layer in block.named_modules() if isinstance(block, kind) else ():
                if isinstance(layer, nn.Linear):
                    key = start + plain(f"{name}.{inner}")
                    tensors[f"{key}.lora_up.weight"] = torch.randn(layer.out_features, RANK)
                    tensors[f"{key}.lora_down.weight"] = torch.randn(RANK, layer.in_features)
    return arranged(Path("lora.safetensors"), tensors)


def timed(work):
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=5)
    asked = words.parse_args()
    unet, tower = full_size()
    targets = {("unet", name): module for name, module in modules(unet).items()}
    targets |= {("te1", name): module for name, module in modules(tower).items()}
    network, overlay = lora(unet, tower), Overlay(targets)
    touched = [targets[target].weight for target in network.pieces]
    pairs = [(p.tensors["lora_up.weight"], p.tensors["lora_down.weight"]) for p in network.pieces.values()]
    ratios = {"on": [], "off": [], "changed": []}
    for _ in range(asked.rounds):
        bare = timed(lambda: [up @ down for up, down in pairs])
        copied = timed(lambda: [weight.clone() for weight in touched])
        ratios["on"].append(timed(lambda: overlay.apply([Applied(network, 0.8, 0.8)])) / bare)
        ratios["changed"].append(timed(lambda: overlay.apply([Applied(network, 0.5, 0.5)])) / bare)
        ratios["off"].append(timed(lambda: overlay.apply([])) / copied)
    sys.stdout.write(f"{len(touched)} modules; products {1000 * bare:.0f} ms, copy {1000 * copied:.0f} ms\n")
    for name, found in ratios.items():
        aim = f" (aim {AIMS[name]})" if name in AIMS else ""
        sys.stdout.write(f"{name}: {statistics.median(found):.2f} times{aim}\n")


if __name__ == "__main__":
    main()
