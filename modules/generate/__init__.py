"""Request → Plan → Batch → Result: the only room that knows the order of things.

Main types: `Txt2Img` (a `Request`, frozen: all that the user asked), `Plan` (frozen: what will be done), `Batch` (lives
for one iteration), `Result`. Public functions: `plan` and `run` (engine), `condition` (conditioning), `write`/`read`
(infotext). `run` is re-entrant: its state is its arguments. May import every lower room.
"""
