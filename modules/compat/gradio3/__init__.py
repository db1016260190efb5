"""What gradio 3 had and gradio 6 has not, for extensions written for it: put on once, before the first is loaded.

`making` stands between an extension and a component's constructor, `events` between it and a listener, `values` gives
handlers the shapes of values they know, `names` are those that are gone. The program's own page asks for none of it:
components made by it are left as they are, but for telling extensions of them.
"""

from modules.compat.gradio3 import events, making, names, values
from modules.compat.gradio3.making import Told


def put_on(told: Told | None = None) -> None:
    """Change gradio's classes for the rest of the process; `told` hears of every component before and after it is made.

    A second call only exchanges who is told, if anybody is named.
    """
    if making.put_on(told):
        names.put_on()
        events.put_on()
        values.put_on()
