"""The program's rooms in floors, lowest first: a room imports only lower floors (tests/test_architecture.py)."""

FLOORS = (
    ("declare", "exceptions"),
    ("prompts", "sampling", "imaging", "jobs", "settings"),
    ("weights", "history"),
    ("generate",),
    ("app",),
    ("webapi", "webui"),
    ("server",),
    ("cli",),
    ("tools",),  # commands beside the server
    ("demo",),  # the recipe that trains the built-in checkpoint; nothing imports it
)
ROOMS = tuple(room for floor in FLOORS for room in floor)
VERSION = "v2.0.0-alpha"
