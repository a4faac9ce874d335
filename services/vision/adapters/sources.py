"""Reads a catalogue's picture, from the product itself or from the one folder that is allowed."""

import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.vision.adapters.view import Source
from services.vision.domain.image import MAX_BYTES, TooLargeImage


class RefusedSource(Exception):  # noqa: N818
    """A picture's address that is not read; the text says why."""


def read(source: Source, folder: Path | None) -> bytes:
    """The encoded picture. Raises RefusedSource, OSError or TooLargeImage. Blocks."""
    if source.content is not None:
        return source.content
    parts = urlsplit(source.uri or "")
    if parts.scheme != "file":
        raise RefusedSource(
            f"{parts.scheme or 'relative'} addresses are not read yet: send the bytes or a file:"
        )
    if folder is None:
        raise RefusedSource("no folder is allowed: set AISLE_VISION_IMAGE_FOLDER")
    if parts.netloc not in ("", "localhost"):
        raise RefusedSource("the file is on another host")
    # Resolved before it is compared, so that neither .. nor a link leads out of the folder.
    path = Path(unquote(parts.path)).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise RefusedSource("the file is outside the allowed folder")
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise RefusedSource("it is not a file")
    if found.st_size > MAX_BYTES:
        raise TooLargeImage(f"the file has {found.st_size} bytes; at most {MAX_BYTES} are allowed")
    return path.read_bytes()
