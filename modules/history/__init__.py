"""Every picture ever made, found again by what it was made of: an index of picture files in SQLite.

Public: `History` (catalogue): `look_at`, `refresh`, `search`, `picture`. The index can be made anew from the files at
any time; files are only read. One thread of its own reads them, a little at a time, and never holds up anything else.
May import: `exceptions`, `prompts`, `imaging`.
"""
