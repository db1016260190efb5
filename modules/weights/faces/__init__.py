"""Faces: found in a picture, and drawn anew by a model.

- catalogue: the files that each restorer needs (no torch)
- retinaface: where the faces are
- store: faces mended by a restorer's name, with the models kept in memory
"""
