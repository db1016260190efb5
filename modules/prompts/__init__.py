"""A prompt is text; here it becomes data, and back.

Main types: `Weighted` (a piece of prompt and its weight), `Step` (a text and until when it holds), `Part` (of an AND),
`NetworkTag`, `Chunk` (77 token ids and their weights), `Style`, `Parameters` (an infotext taken apart). Public
functions, in the order in which a prompt meets them: `apply_styles` (styles), `strip_comments` (comments), `draw`
(variants, which asks `Wildcards` for lines), `parse_tags` (networks), `parse_composition` (composition),
`parse_schedule` (schedule), `parse_attention` (attention), `pack` (chunks) or `pack_old` (old_emphasis); `count_tokens`
(counting); `read`/`write` (infotext). All are linear, and what does not parse is text. `Styles` (stylefiles) and
`Wildcards` read files that users keep. May import: `exceptions`.
"""
