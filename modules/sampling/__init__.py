"""Given a denoiser and a seed, walk σ down to nothing.

Main types: `Denoiser` (the protocol D(x, σ) → x₀ over latents `[B,C,H/8,W/8]`), `Sampler` and `Schedule` (rows of
`tables`, which needs no torch), `NoiseSource` (rng). To add a sampler: one function in
`samplers/`, one row in `tables`.
May import: `exceptions`, torch, numpy.
"""
