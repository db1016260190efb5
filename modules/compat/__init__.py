"""A1111's flat names (`modules.shared`, `modules.scripts`…) as views of the App, for extensions written for A1111.

`binding` holds the App; `flat/` is on the package path of `modules`, so that `import modules.shared` is an ordinary
import of `flat/shared.py`, and `beside/` on the interpreter's, for `import launch` and the old model code's names. The
façades only translate: what they do is in the files here. May import every room; only webui.py imports it, and the
program runs without it.
"""
