"""Pixels in, pixels out; files with the text of their making.

Images are `PIL.Image.Image`, float pictures are `numpy` arrays in -1..1. Nothing is read from settings: what may be
configured arrives as an argument, for files as `SaveOptions` (files). Nothing that exists is ever overwritten, and a
picture that cannot be stored raises a `WebuiError` that names the file.

- pixels: arrays and base64 to images, flattening, thumbnails
- metadata: the generation parameters inside PNG, JPEG, WebP, AVIF and GIF, read and written
- naming: `[token]` patterns to file and folder names
- files: encode, save under a free name or the next number
- disk: bytes under a free name, whole or not at all
- grids: many pictures on one sheet
- resize: the resize modes
- masks: what is drawn anew: its rim, its place, its filling, and what is laid over the result
- changes: masks of where a picture has changed
- crops: cuts for training sets: sizes, frames, the point of interest
- colours: one picture's colours given to another
- upscale: pictures made larger by whatever enlarges them; tiles: worked on piece by piece
- faces: cut out upright and put back

May import: the standard library, PIL, numpy, OpenCV, `exceptions`.
"""
