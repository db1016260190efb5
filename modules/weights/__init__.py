"""A file becomes a model.

Main types: `Checkpoint` (a file or a diffusers folder: path, title, sha256), `Library` (the checkpoints in the folders;
no torch), `Arch` (what kind of model the tensors are: a row of `arch.FAMILIES`, what denoises a row of
`bodies.BODIES`), `Parts` (a checkpoint's tensors by module, mapped), `Companions` (what a lone UNet goes with), `Model`
(ready on a device), `Turns` (what of it is on the device), `Cache` (the models kept in memory), `networks` (what
changes a loaded model and comes off again), `upscalers`, `faces`, `recipe` and `merging` (a checkpoint made of others).
`tensorfile` reads all files: none is ever executed, and no hub is ever asked.
May import: `declare`, `exceptions`, `prompts`, `sampling`, `imaging`, torch, safetensors, gguf, diffusers,
transformers, spandrel, tomesd.
"""
