"""Texts as the encoder reads them: the ids of their tokens."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

TOKENIZER_FILE: Final = "tokenizer.json"

MAX_TOKENS: Final = 64
"""What is read of a text: titles and the beginnings of descriptions fit; time rises with it."""

SHORTEST_WORD: Final = 3
"""Shorter tokens are pieces of words as often as words."""


class Tokens:
    """The tokenizer of a model's folder; any thread may call it."""

    def __init__(self, folder: Path) -> None:
        """Raises when the folder has none that can be read."""
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, from 2 (of an empty one) to MAX_TOKENS."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def knows(self, word: str) -> bool:
        """See Encoder: a word that the tokenizer leaves whole was common in what the model learnt from."""
        return len(word) >= SHORTEST_WORD and self._tokenizer.token_to_id(word) is not None
