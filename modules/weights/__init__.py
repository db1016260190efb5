"""A file becomes a model.

Main types: `Checkpoint` (a file: path, title, sha256), `Library` (the checkpoints in the folders; no torch), `Arch`
(what kind of model the tensors are), `Model` (text encoder, UNet, VAE, tokenizer, ready on a device), `Cache` (the
models kept in memory), `networks` (what changes a loaded model and comes off again), `upscalers`, `faces`.
`tensorfile` reads all files: none is ever executed, and no hub is ever asked.
May import: `declare`, `exceptions`, `prompts`, `sampling`, `imaging`, torch, safetensors, diffusers, transformers,
spandrel, tomesd.
"""
