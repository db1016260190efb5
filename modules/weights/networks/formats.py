"""What the tensors of a network mean as a change of one module's weight and bias.

Each format is a function from a `Piece` to ΔW, shaped as W or such that it can be reshaped to it: `[out, in]` of a
linear layer, `[out, in, h, w]` of a convolution. Sources: LoRA (Hu et al. 2021) as kohya-ss/sd-scripts writes it; LoHa,
LoKr, GLoRA, (IA)³, full and norm as LyCORIS does (Yeh et al. 2023, arXiv 2309.14859); OFT (Qiu et al. 2023, arXiv
2306.07280); BOFT (Liu et al. 2023, arXiv 2311.06243); DoRA (Liu et al. 2024, arXiv 2402.09353).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
ROWS = "rows"  # of a piece that was cut: from which row of the whole on, and up to which; -1: to the end


@dataclass(frozen=True, slots=True)
class Piece:
    """One module's part of a network: tensors by their name in the file, without the module's own."""

    tensors: Tensors

    def get(self, *names: str) -> Tensor | None:
        """The first of these that is there, in float32."""
        return next((self.tensors[name].float() for name in names if name in self.tensors), None)

    def of(self, *names: str) -> Tensor:
        """The same, which must be there."""
        found = self.get(*names)
        if found is None:
            raise ValueError(f"{names[0]} is missing")
        return found

    def without_core(self) -> Piece:
        """A LoRA's outer factors on the middle pixel: what A1111 makes of a Tucker core where it adds by hooks."""
        core = self.get("lora_mid.weight")
        if core is None:
            return self
        rows, columns = (side // 2 for side in core.shape[2:])
        down = self.of("lora_down.weight")
        padded = torch.nn.functional.pad(down, (columns, columns, rows, rows))
        kept = {name: tensor for name, tensor in self.tensors.items() if name != "lora_mid.weight"}
        return Piece({**kept, "lora_down.weight": padded})

    def to(self, device: torch.device) -> Piece:
        """The same on a device."""
        return Piece({name: tensor.to(device) for name, tensor in self.tensors.items()})


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of network, recognised by a tensor's name."""

    names: tuple[str, ...]
    weight: Callable[[Piece, Tensor, int | None], Tensor]  # piece, W, dyn → ΔW before scale
    rank: tuple[str, ...] = ()  # the first of these that is there tells by its length what alpha is divided by


def add(piece: Piece, weight: Tensor, multiplier: float, dyn: int | None = None) -> tuple[Tensor, Tensor | None]:
    """(W + m·ΔW, m·Δb or None) for a module whose weight is W, in float32 on W's device; W stays as it is.

    `dyn` cuts a LoRA's rank. ValueError says what does not fit.
    """
    form = recognised(piece)
    if form is None:
        raise ValueError(f"holds {', '.join(sorted(piece.tensors))[:80]}, which is no known kind of network")
    bias, magnitudes = piece.get("diff_b", "b_norm"), piece.get("dora_scale")
    factor = multiplier * scale(piece, form)
    if form.weight is lora and magnitudes is None and "lora_mid.weight" not in piece.tensors:
        made = _added_product(piece, weight, factor, dyn)
    else:
        delta = fitted(form.weight(piece, weight, dyn), weight.shape)
        if magnitudes is not None:
            delta, factor = decomposed(weight, delta * scale(piece, form), magnitudes), multiplier
        made = weight + delta * factor
    return made, None if bias is None else bias * multiplier


def _added_product(piece: Piece, weight: Tensor, factor: float, dyn: int | None) -> Tensor:
    """W + m·B·A in one pass over W: most networks are of this kind."""
    up, down = (piece.of(f"lora_{name}.weight").flatten(1) for name in ("up", "down"))
    if len(up) != len(weight) or down.shape[1] != weight[0].numel():
        return weight + fitted(lora(piece, weight, dyn), weight.shape) * factor
    return torch.addmm(weight.flatten(1), up[:, :dyn], down[:dyn], alpha=factor).reshape(weight.shape)


def recognised(piece: Piece) -> Format | None:
    """The format of a piece, if it is known."""
    return next((form for form in FORMATS if any(name in piece.tensors for name in form.names)), None)


def scale(piece: Piece, form: Format) -> float:
    """alpha / rank; 1 where the file says nothing of it."""
    said = piece.get("scale")
    if said is not None:
        return float(said)
    alpha, ranked = piece.get("alpha"), piece.get(*form.rank)
    return 1.0 if alpha is None or ranked is None else float(alpha) / len(ranked)


def lora(piece: Piece, weight: Tensor, dyn: int | None) -> Tensor:
    """ΔW = B·A, for a convolution with an optional core between (Tucker)."""
    up, down = piece.of("lora_up.weight"), piece.of("lora_down.weight")
    if dyn:
        up, down = up[:, :dyn], down[:dyn]
    middle = piece.get("lora_mid.weight")
    if middle is not None:
        return tucker(middle, up.flatten(1).T, down.flatten(1))
    return up.flatten(1) @ down.flatten(1)


def tucker(core: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Σ core[p, r, …] · first[p, i] · second[r, j] → [i, j, …]."""
    return torch.einsum("pr...,pi,rj->ij...", core, first, second)


def loha(piece: Piece, weight: Tensor, dyn: int | None) -> Tensor:
    """ΔW = (B₁·A₁) ⊙ (B₂·A₂)."""
    return _product(piece, "hada_w1", "hada_t1") * _product(piece, "hada_w2", "hada_t2")


def lokr(piece: Piece, weight: Tensor, dyn: int | None) -> Tensor:
    """ΔW = W₁ ⊗ W₂, each whole or of low rank."""
    first = piece.get("lokr_w1")
    second = piece.get("lokr_w2")
    first = _product(piece, "lokr_w1", "lokr_t1") if first is None else first
    second = _product(piece, "lokr_w2", "lokr_t2") if second is None else second
    whole = torch.kron(first.reshape(*first.shape, *[1] * (second.dim() - first.dim())), second.contiguous())
    rows = piece.get(ROWS)
    return whole if rows is None else whole[int(rows[0]) : None if rows[1] < 0 else int(rows[1])]


def _product(piece: Piece, name: str, core: str) -> Tensor:
    """a · b; with a core between them both have the rank first."""
    first, second, middle = piece.of(f"{name}_a"), piece.of(f"{name}_b"), piece.get(core)
    return first @ second if middle is None else tucker(middle, first, second)


def glora(piece: Piece, weight: Tensor, dyn: int | None) -> Tensor:
    """ΔW = W·A + B, both of low rank; alpha is not regarded, as in A1111."""
    flat = weight.flatten(1)
    grown = piece.of("b2.weight").flatten(1) @ piece.of("b1.weight").flatten(1)
    return grown + (flat @ piece.of("a2.weight").flatten(1)) @ piece.of("a1.weight").flatten(1)


def ia3(piece: Piece, weight: Tensor, dyn: int | None) -> Tensor:
    """ΔW = W scaled per output, or per input where the file says so."""
    factors = piece.of("weight").flatten()
    by_input = bool(piece.of("on_input"))
    rest = [1] * (weight.dim() - 2)
    return weight * (factors.reshape(1, -1, *rest) if by_input else factors.reshape(-1, 1, *rest))


def full(piece: Piece, weight: Tensor, dyn: int | None) -> Tensor:
    """ΔW itself; of a norm too."""
    found = piece.get("diff", "w_norm")
    return torch.zeros_like(weight) if found is None else found


def oft(piece: Piece, weight: Tensor, dyn: int | None) -> Tensor:
    """W turned block by block by the Cayley transform R = (I + Q)(I − Q)⁻¹ of a skew Q; ΔW = RᵀW − W.

    kohya's bounds ‖Q‖ by alpha · out; four dimensions are BOFT's butterfly of several such turns.
    """
    blocks = piece.of("oft_blocks", "oft_diag")
    skew = blocks - blocks.transpose(-1, -2)
    alpha = piece.get("alpha")
    if "oft_blocks" in piece.tensors and alpha is not None and float(alpha) > 0:
        length = skew.norm()
        skew = skew * (length.clamp(max=float(alpha) * weight.shape[0]) + 1e-8) / (length + 1e-8)
    turns = torch.linalg.solve(torch.eye(skew.shape[-1], device=skew.device) - skew, _plus_identity(skew), left=False)
    flat = weight.flatten(1)
    turned = butterfly(turns, flat) if turns.dim() == 4 else _turn(turns, flat)
    rescale = piece.get("rescale")
    if rescale is not None:
        turned = turned * rescale.reshape(-1, 1)
    return turned - flat


def _plus_identity(skew: Tensor) -> Tensor:
    return skew + torch.eye(skew.shape[-1], device=skew.device)


def _turn(turns: Tensor, flat: Tensor) -> Tensor:
    """Each run of rows by its own rotation: [k, n, n] on [k·n, in]."""
    count, size, _ = turns.shape
    return torch.einsum("knm,kni->kmi", turns, flat.reshape(count, size, -1)).reshape(flat.shape)


def butterfly(turns: Tensor, flat: Tensor) -> Tensor:
    """BOFT: stage s turns blocks of rows that lie 2ˢ · (block / 2) apart: [stages, k, b, b] on [k·b, in]."""
    stages, count, size, _ = turns.shape
    for stage in range(stages):
        group, gap = 2, 2**stage * size // 2
        mixed = flat.reshape(-1, group, gap, flat.shape[1]).transpose(1, 2).reshape(flat.shape)
        mixed = torch.einsum("kmn,kni->kmi", turns[stage], mixed.reshape(count, size, -1)).reshape(flat.shape)
        flat = mixed.reshape(-1, gap, group, flat.shape[1]).transpose(1, 2).reshape(flat.shape)
    return flat


def decomposed(weight: Tensor, delta: Tensor, magnitudes: Tensor) -> Tensor:
    """DoRA: the changed weight brought to given lengths, per input or per output after the magnitudes' own shape."""
    changed = weight + delta
    along = 0 if magnitudes.shape[0] == weight.shape[0] and magnitudes.numel() == weight.shape[0] else 1
    others = [dimension for dimension in range(weight.dim()) if dimension != along]
    lengths = changed.square().sum(dim=others, keepdim=True).sqrt()
    shape = [-1 if dimension == along else 1 for dimension in range(weight.dim())]
    made: Tensor = changed * (magnitudes.reshape(shape) / lengths) - weight
    return made


def fitted(delta: Tensor, shape: torch.Size) -> Tensor:
    """ΔW in W's shape. One for fewer input channels, as on an inpainting model's first layer, leaves the rest alone."""
    if delta.numel() == shape.numel():
        return delta.reshape(shape)
    if delta.dim() == 2 and len(shape) == 4 and len(delta) == shape[0] and delta.shape[1] % math.prod(shape[2:]) == 0:
        delta = delta.reshape(shape[0], -1, *shape[2:])
    if delta.dim() == len(shape) and delta.shape[0] == shape[0] and delta.shape[1] < shape[1]:
        made = delta.new_zeros(shape)
        made[:, : delta.shape[1]] = delta
        return made
    raise ValueError(f"is made for a layer of {list(delta.shape)}, not of {list(shape)}")


FORMATS = (
    Format(("lora_up.weight",), lora, ("lora_down.weight",)),
    Format(("hada_w1_a",), loha, ("hada_w1_b",)),
    Format(("lokr_w1", "lokr_w1_a"), lokr, ("lokr_w1_b", "lokr_w2_b")),
    Format(("a1.weight",), glora),
    Format(("on_input",), ia3),
    Format(("oft_blocks", "oft_diag"), oft),
    Format(("diff", "w_norm", "diff_b", "b_norm"), full),
)
