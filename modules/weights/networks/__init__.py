"""Networks: small files that change a loaded model's weights and come off without a trace.

`read` (reading) makes a `Network` of a file, `Overlay` (overlay) puts networks on a model, `formats` knows what each
kind of file means as a change of weights, `keys` which module its names mean. To add a format: one row in `formats`.
`Shelf` (shelf) knows the files in the folders, from `headers` alone and without torch.
"""
