"""The program's rooms in floors, lowest first: a room imports only lower floors (tests/test_architecture.py)."""

FLOORS = (
    ("declare", "exceptions"),
    ("prompts", "sampling", "imaging", "jobs", "settings", "remote"),
    ("weights", "history"),
    ("generate",),
    ("guests", "host"),
    ("app",),
    ("webapi", "webui"),
    ("server",),
    ("cli",),
    ("tools",),  # commands beside the server
    ("compat",),  # A1111's names for extensions; only webui.py imports it
    ("demo",),  # the recipe that trains the built-in checkpoint; nothing imports it
)
ROOMS = tuple(room for floor in FLOORS for room in floor)
__path__.append(f"{__path__[0]}/compat/flat")  # so that A1111's `modules.shared` is an ordinary import
VERSION = "v2.0.0-alpha"
