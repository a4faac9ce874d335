"""Reads a catalogue's picture: from the product itself, from the allowed folder, or from the web."""

import asyncio
import stat
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from services.vision.adapters.generations import Source
from services.vision.domain.image import MAX_BYTES, TooLargeImage


class RefusedSource(Exception):  # noqa: N818
    """A picture's address that is not read; the text says why."""


class UnreachableSource(Exception):  # noqa: N818
    """A picture whose host does not give it now, but may later; the text says why."""


class Fetch(Protocol):
    """Gets a picture of an http: or https: address."""

    async def __call__(self, uri: str) -> bytes:
        """The encoded picture. Raises RefusedSource, UnreachableSource or TooLargeImage."""
        ...


class Sources:
    """Where the catalogue's pictures are read from."""

    def __init__(self, folder: Path | None = None, fetch: Fetch | None = None) -> None:
        """`folder` is where file: pictures may lie, `fetch` gets those of the web; None reads none."""
        self._folder, self._fetch = folder, fetch

    async def read(self, source: Source) -> bytes:
        """The encoded picture. Raises RefusedSource, UnreachableSource, OSError or TooLargeImage."""
        if source.content is not None:
            return source.content
        uri = source.uri or ""
        if not uri.lower().startswith(("http:", "https:")):
            return await asyncio.to_thread(_from_folder, uri, self._folder)
        if self._fetch is None:
            raise RefusedSource("pictures of the web are not read: set AISLE_VISION_IMAGE_WEB")
        return await self._fetch(uri)


def _from_folder(uri: str, folder: Path | None) -> bytes:
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise RefusedSource(
            f"{parts.scheme or 'relative'} addresses are not read: send https:, file: or bytes"
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
