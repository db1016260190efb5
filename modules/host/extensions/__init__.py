"""Extensions in their folder: found, ordered, given what they need, installed, brought up to date, taken back.

`Extensions` (catalogue) knows all of them; nothing here runs an extension's code but `installing`, in a process of its
own, and `preloading`. What it is that they join is the business of the room that loads them.
"""
