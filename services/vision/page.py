"""Photos inside a report: small, with words below, and a row of them."""

import base64
import html
import io
from typing import Final

from PIL import Image

THUMBNAIL: Final = 144
"""Pixels a side."""

STYLE: Final = """figure { display: inline-block; margin: .3rem; width: 9rem; vertical-align: top;
font-size: 12px; line-height: 1.3 }
figure img { width: 144px; height: 144px; object-fit: cover; border-radius: 4px; display: block }
figcaption { margin-top: .2rem; overflow-wrap: anywhere }
section { display: grid; grid-template-columns: 10rem repeat(5, 1fr); gap: .5rem; padding: .7rem 0;
border-top: 1px solid #ddd } section figure { margin: 0; width: auto }
section figure:first-child { border-right: 1px solid #ddd }
.right img { outline: 3px solid #2a8a3e } .wrong img { outline: 3px solid #c8553d }"""
"""CSS of a page with photos."""


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
