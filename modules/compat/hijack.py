"""`sd_hijack.model_hijack`: the embeddings that there are, and how many tokens a prompt has."""

from __future__ import annotations

from typing import Any

from modules.compat.binding import app
from modules.compat.stubs import explained


class Embedding:
    """A textual inversion in the folder; its vectors are the engine's."""

    def __init__(self, name: str, filename: str):
        self.name, self.filename = name, filename
        self.shape = self.vectors = 0
        self.vec = self.step = self.sd_checkpoint = self.sd_checkpoint_name = self.shorthash = self.hash = None


class EmbeddingDatabase:
    """By name, as the folder has them."""

    @property
    def word_embeddings(self) -> dict[str, Embedding]:
        """All of them; which of them fit the loaded model is not told apart."""
        return {one.name: Embedding(one.name, str(one.path)) for one in app().shelves.embeddings.entries()}

    skipped_embeddings: dict[str, Embedding] = {}
    embedding_dirs: dict[str, Any] = {}
    ids_lookup: dict[int, Any] = {}

    def load_textual_inversion_embeddings(self, force_reload: bool = False, sync_with_sd_model: bool = True) -> None:
        """Look at the folder again."""
        app().shelves.embeddings.refresh()

    def add_embedding_dir(self, path: str) -> None:
        """The folder is that of the flags."""

    def register_embedding(self, embedding: Any, model: Any) -> Any:
        """Refused: embeddings are files."""
        raise explained("EmbeddingDatabase.register_embedding")


class ModelHijack:
    """What of A1111's hijack extensions read."""

    fixes = layers = circular_enabled = clip = optimization_method = None

    def __init__(self) -> None:
        self.comments: list[str] = []
        self.extra_generation_params: dict[str, Any] = {}
        self.embedding_db = EmbeddingDatabase()

    def get_prompt_lengths(self, text: str, *args: Any) -> tuple[int, int]:
        """(tokens, the length of the chunks they fill)."""
        from modules.generate.wording import chunker
        from modules.prompts.counting import count_tokens

        found = count_tokens(text, 20, chunker(app().options.view()))
        return found[0], found[1]

    def hijack(self, m: Any) -> None:
        """Nothing to do: the models are diffusers'."""

    def undo_hijack(self, m: Any) -> None:
        """Nothing to undo."""

    def apply_circular(self, enable: bool) -> None:
        """Tiling is an option."""

    def clear_comments(self) -> None:
        """Forget them."""
        self.comments = []

    def tokenize(self, text: str) -> Any:
        """Of A1111's old model code."""
        raise explained("model_hijack.tokenize")


model_hijack = ModelHijack()
