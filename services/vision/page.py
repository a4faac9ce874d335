"""Pages that stand alone in one HTML file: their style, and pictures inside them."""

import base64
import html
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PIL import Image

THUMBNAIL: Final = 144
"""Pixels a side."""

_STYLE: Final = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 66rem;
padding: 0 1rem; color: #222 } table { border-collapse: collapse }
td, th { padding: .2rem .9rem .2rem 0; text-align: left }
figure { display: inline-block; margin: .3rem; width: 9rem; vertical-align: top;
font-size: 12px; line-height: 1.3 }
figure img { width: 144px; height: 144px; object-fit: cover; border-radius: 4px; display: block }
figcaption { margin-top: .2rem; overflow-wrap: anywhere }
section { display: grid; grid-template-columns: 10rem repeat(5, 1fr); gap: .5rem; padding: .7rem 0;
border-top: 1px solid #ddd } section figure { margin: 0; width: auto }
section figure:first-child { border-right: 1px solid #ddd }
.right img { outline: 3px solid #2a8a3e } .wrong img { outline: 3px solid #c8553d }
svg { max-width: 100%; height: auto }"""


def write(file: Path, title: str, parts: Iterable[str]) -> None:
    """Writes a page. Raises OSError."""
    head = f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>"
    file.write_text("\n".join((head, f"<h1>{html.escape(title)}</h1>", *parts)), encoding="utf-8")


def figure(image: Image.Image, caption: str, kind: str = "") -> str:
    """A small picture with words below; `kind` is right, wrong or neither."""
    small = image.convert("RGB")
    small.thumbnail((2 * THUMBNAIL, 2 * THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    source = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<figure class="{kind}"><img src="data:image/jpeg;base64,{source}" alt="">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns: a name, and what it is."""
    cells = "".join(f"<tr><td>{html.escape(name)}<td>{html.escape(value)}" for name, value in rows)
    return f"<table>{cells}</table>"
