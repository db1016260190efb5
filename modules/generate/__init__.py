"""Request → Plan → Batch → Result: the only room that knows the order of things.

Main types: `Txt2Img` and `Img2Img` (a `Request`, frozen: all that the user asked), `Plan` (frozen: what will be done),
`Stage` (one walk of it: the picture itself, or the hires pass over it), `Wording` (the prompts as they are drawn),
`Batch` (one stage of one iteration), `Source` (what img2img starts from), `Result`, `Hooks` (where others join in: its
methods stand in the order of their calls, and do nothing unless overridden). Public functions: `plan`, `run` (engine),
`write`/`read` (infotext). `run` is re-entrant: its state is its arguments.

In order of work: `wording`, `stages`, `plan`; `models` gets what a stage needs from the `stores`, `conditioning` reads
its prompts, `source` and `beginnings` prepare what it starts from, `denoising` walks (`soft`: where masks count by
halves), `saving` writes. `series` is many requests as one job, `extras` a job of its own. May import every lower room.
"""
