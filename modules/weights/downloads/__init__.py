"""Model files fetched at a user's explicit wish, and never otherwise.

`request.Download` is the wish; `sources` finds what it means at Hugging Face, at Civitai or at any address; `transfer`
brings it here, can be interrupted and goes on later; `store.Downloads` checks it and puts it in its folder.
"""
