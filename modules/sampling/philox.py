"""The random numbers of an NVIDIA card, computed on the CPU: Philox 4x32-10 and Box-Muller, as cuRAND makes them.

J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), §3.3; one counter per element and call, as
torch's CUDA generator uses it for small tensors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
UNIT = float(np.float32(2.0**-32))
TURN = float(np.float32(2.0**-32 * 2.0 * np.pi))

Words = NDArray[np.uint64]


def philox(counter: tuple[Words, Words, Words, Words], seed: int) -> tuple[Words, Words, Words, Words]:
    """Four random 32-bit words per counter (each array holds one word of all counters, in 64 bits)."""
    c0, c1, c2, c3 = counter
    k0, k1 = np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32 & 0xFFFFFFFF)
    for number in range(ROUNDS):
        if number:
            k0, k1 = (k0 + KEY_STEPS[0]) & LOW, (k1 + KEY_STEPS[1]) & LOW
        product0, product1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (product1 >> HALF) ^ c1 ^ k0, product1 & LOW, (product0 >> HALF) ^ c3 ^ k1, product0 & LOW
    return c0, c1, c2, c3


class Philox:
    """A stream of normal draws; call number n of a seed is always the same, whatever its size."""

    def __init__(self, seed: int):
        self.seed = seed
        self.offset = 0

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Standard normal numbers, float32."""
        count = int(np.prod(shape))
        zero = np.zeros(count, np.uint64)
        counter = (zero + np.uint64(self.offset), zero, np.arange(count, dtype=np.uint64), zero)
        self.offset += 1
        first, second, _, _ = philox(counter, self.seed)
        u = first.astype(np.float64) * UNIT + UNIT / 2
        v = second.astype(np.float64) * TURN + TURN / 2
        return (np.sqrt(-2.0 * np.log(u)) * np.sin(v)).astype(np.float32).reshape(shape)
