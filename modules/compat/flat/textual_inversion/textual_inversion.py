"""A1111's `modules.textual_inversion.textual_inversion`: the embeddings that there are."""

from modules.compat.hijack import Embedding, EmbeddingDatabase  # noqa: F401
from modules.compat.stubs import stub

__getattr__ = stub(__name__)
