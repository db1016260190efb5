"""A prompt is text; here it becomes data, and back.

Main types: `Weighted` (a piece of prompt and its weight), `Chunk` (77 token ids and their weights), `Parameters` (an
infotext taken apart). Public functions: `parse_attention` (attention), `pack` (chunks), `read`/`write` (infotext).
The next steps of the language (schedules, AND, networks, styles) are files beside these. May import: `exceptions`.
"""
