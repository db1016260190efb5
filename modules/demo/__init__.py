"""The demo checkpoint's recipe: a drawn world, and the five steps that train a small Stable Diffusion 1 model on it.

Contract: `python -m modules.demo train` makes, from nothing, everything that lies in `models/` as "demo"; `export`
writes the files, `sheet` draws a page of pictures and `evaluate` judges them from their pixels. The steps: `world` and
`drawing` invent pictures and captions, `vae` (1) and `text` (2) learn to compress and to read, `unet` (3, 4) learns to
remove noise, `evaluate` (5) decodes and looks.

May import lower rooms; nothing imports this one.
"""
