"""One worker per device, a fair order, jobs that can be stopped; it knows nothing of images.

Main types: `Job` (one submitted piece of work with its state, progress and result), `Progress` (what the worker reports
and the watchers read), `Stop` (skip, interrupt), `Queue` (order and worker thread), `Store` (SQLite, so that what was
submitted is still known after a restart). May import: `exceptions`.
"""
