"""What may be configured: options declared in sections, resolved in layers, stored in config.json; and the folders.

Layers, strongest first: a request's overrides > the command line > config.json > the declared default.

Main types: `Options` (the registry and its changes), `View` (a read-only snapshot that one job works with), `Store`
(config.json), `Folders` (where things lie). A section is a frozen dataclass in `sections/`; to add an option is to add
one line there. May import: `declare`, `exceptions`.
"""
