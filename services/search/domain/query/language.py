"""The language of a query, by its script: enough to tell Chinese, Japanese, Korean and Latin apart."""

import re
from typing import Final

UNKNOWN: Final = "und"
"""BCP 47's word for text without a language, such as "64 / 128"."""

# Kana and Hangul come first: Japanese and Korean are written with Chinese signs too.
_SCRIPTS: Final = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("zh", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("en", re.compile(r"[A-Za-z\u00c0-\u024f]")),
)


def language(text: str) -> str:
    """The BCP 47 code of the text's script; Latin counts as English, UNKNOWN when there is no letter."""
    return next((code for code, script in _SCRIPTS if script.search(text)), UNKNOWN)
