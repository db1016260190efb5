"""Upscalers: what there is to choose from, and the models among it.

- catalogue: names as A1111 gives them, files by folder (no torch)
- loader: a file becomes a model, whatever its architecture, through spandrel
- store: pictures made larger by name, in tiles, with the models kept in memory
"""
