"""A1111's `modules.sd_hijack`: of its old model code, only the embeddings and the counting of tokens are here."""

from modules.compat.hijack import model_hijack  # noqa: F401
from modules.compat.stubs import stub

optimizers = []
current_optimizer = None
__getattr__ = stub(__name__)
