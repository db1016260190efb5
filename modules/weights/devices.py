"""Where models live and in which precision: the one place that chooses a device."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Place:
    """A device and the precisions used there."""

    device: torch.device
    dtype: torch.dtype
    vae_dtype: torch.dtype


def place(*, use_cpu: bool = False, device_id: str = "", no_half: bool = False, no_half_vae: bool = False) -> Place:
    """CUDA (or ROCm), else Apple's MPS, else Intel's XPU, else the CPU, which computes in 32 bits."""
    device = torch.device("cpu") if use_cpu else _best(device_id)
    half = device.type != "cpu" and not no_half
    dtype = torch.float16 if half else torch.float32
    return Place(device, dtype, torch.float32 if no_half_vae else dtype)


def _best(device_id: str) -> torch.device:
    if torch.cuda.is_available():
        return torch.device(f"cuda:{int(device_id)}" if device_id.isdigit() else "cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        return torch.device("xpu")
    return torch.device("cpu")
