"""Loads what cuts Chinese queries beside the start, so that the first of them need not wait for it."""

import asyncio

from services.search.domain.query.chinese import cut


class ChineseWords:
    """A resource that search can do without: a query that comes before it has loaded waits for it."""

    name = "chinese"
    optional = True

    def __init__(self) -> None:
        self._loading: asyncio.Task[list[str]] | None = None

    async def start(self) -> None:
        """Begins to load."""
        self._loading = asyncio.create_task(asyncio.to_thread(cut, "牛奶"))

    async def ping(self) -> None:
        """Raises what loading raised."""
        if self._loading is not None and self._loading.done():
            self._loading.result()

    async def close(self) -> None:
        """Waits until it has loaded."""
        if self._loading is not None:
            await asyncio.wait([self._loading])
