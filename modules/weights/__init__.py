"""A file becomes a model.

Main types: `Checkpoint` (a file: path, title, sha256), `Library` (the checkpoints in the folders; no torch), `Arch`
(what kind of model the tensors are), `Model` (text encoder, UNet, VAE, tokenizer, ready on a device), `Cache` (the
models kept in memory). No file is ever executed, no hub is ever asked.
May import: `declare`, `exceptions`, `sampling`, torch, safetensors, diffusers, transformers.
"""
