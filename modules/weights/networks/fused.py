"""A network's piece for a layer that the model here has as several, cut into theirs: q, k and v of a transformer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from modules.weights.networks.formats import ROWS, Piece
from modules.weights.networks.reading import Network, Target

Fused = Mapping[Target, tuple[tuple[Target, slice], ...]]  # a layer → those here, and which of its rows each has
BY_ROW = ("lora_up.weight", "hada_w1_a", "hada_w2_a", "diff", "diff_b", "dora_scale", "weight")
SHARED = ("lora_down.weight", "hada_w1_b", "hada_w2_b", "alpha", "scale")
WHOLE = ("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b")  # their product is cut


def unfused(network: Network, fused: Fused) -> Network:
    """The network with pieces for the layers that are here; LoRA, LoHa, LoKr and full differences can be cut."""
    if not any(target in fused for target in network.pieces):
        return network
    pieces: dict[Target, Piece] = {}
    for target, piece in network.pieces.items():
        if target in fused and all(name in (*BY_ROW, *SHARED, *WHOLE) for name in piece.tensors):
            pieces |= {other: _cut(piece, rows) for other, rows in fused[target]}
        else:
            pieces[target] = piece
    return replace(network, pieces=pieces)


def _cut(piece: Piece, rows: slice) -> Piece:
    made = {name: one[rows] if name in BY_ROW else one for name, one in piece.tensors.items()}
    if any(name in WHOLE for name in made):
        made[ROWS] = torch.tensor([rows.start, -1 if rows.stop is None else rows.stop])
    return Piece(made)
