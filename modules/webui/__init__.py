"""A1111's page: forms made from Specs, submitted to the queue, and the pictures that come back.

Public: `mount(api, app)` and `build(app, shelf)` (page), `widget` and `form` (widgets). Each tab is one file; what the
browser does itself (progress, keys, remembering) is plain JavaScript in `javascript/`, read in the order of the file
names. Handlers only submit, await and fetch: work is done by the queue's worker. Text that reaches the page is escaped.
May import: every room below and `modules.app`, gradio; never torch.
"""
