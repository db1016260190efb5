"""Where models live and in which precision: the one place that chooses a device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Place:
    """A device and the precisions used there."""

    device: torch.device
    dtype: torch.dtype
    vae_dtype: torch.dtype
    spare: str = ""  # a flag's wish for memory, see `turns.way_for`
    checked: bool = True  # networks' answers are looked at for values that are no numbers

    def of(self, flow: bool) -> Place:
        """For a family: flow models were trained in bfloat16, whose range float16 does not have."""
        if not flow or self.dtype != torch.float16 or not _has_bfloat16(self.device):
            return self
        vae = torch.bfloat16 if self.vae_dtype == torch.float16 else self.vae_dtype
        return replace(self, dtype=torch.bfloat16, vae_dtype=vae)


def place(
    *,
    use_cpu: bool = False,
    device_id: str = "",
    no_half: bool = False,
    no_half_vae: bool = False,
    precision: str = "autocast",
    spare: str = "",
    checked: bool = True,
) -> Place:
    """CUDA (or ROCm), else Apple's MPS, else Intel's XPU, else the CPU, which computes in 32 bits.

    `precision`: A1111's words; `full` is 32 bits, `half` and `autocast` are 16 where the device is good at them.
    """
    device = torch.device("cpu") if use_cpu else _best(device_id)
    half = device.type != "cpu" and not no_half and precision != "full"
    dtype = torch.float16 if half else torch.float32
    return Place(device, dtype, torch.float32 if no_half_vae else dtype, spare, checked)


def _best(device_id: str) -> torch.device:
    if torch.cuda.is_available():
        return torch.device(f"cuda:{int(device_id)}" if device_id.isdigit() else "cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        return torch.device("xpu")
    return torch.device("cpu")


def free(device: torch.device) -> int | None:
    """Bytes that models may take on a device; None where that is main memory."""
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    if device.type not in ("cuda", "xpu"):
        return None
    here: Any = getattr(torch, device.type)
    unused = here.memory_reserved(device) - here.memory_allocated(device)
    return int(here.mem_get_info(device)[0] + unused)


def memory(device: torch.device) -> dict[str, Any]:
    """Memory of a CUDA device in bytes, under A1111's names; empty for any other."""
    if device.type != "cuda":
        return {}
    free, total = torch.cuda.mem_get_info(device)
    stats = torch.cuda.memory_stats(device)
    told: dict[str, Any] = {"system": {"free": free, "used": total - free, "total": total}}
    for name in ("active", "allocated", "reserved", "inactive"):
        key = {"inactive": "inactive_split"}.get(name, name)
        told[name] = {part: stats.get(f"{key}_bytes.all.{part}", 0) for part in ("current", "peak")}
    return told | {"events": {"retries": stats.get("num_alloc_retries", 0), "oom": stats.get("num_ooms", 0)}}


def _has_bfloat16(device: torch.device) -> bool:
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
