"""The storefront: admits a request, composes its page within the budget, completes queries."""

from time import monotonic
from typing import Final

from services.gateway.domain.admission import Admissions, Priority
from services.gateway.domain.calls import Ask, Sources
from services.gateway.domain.composer import RESERVE, Composer
from services.gateway.domain.errors import BackendError, Refused
from services.gateway.domain.model import Page, Status
from services.gateway.domain.pages import PageName

COMPLETE_CAP: Final = 0.2  # seconds; nobody waits longer for a completion


class Storefront:
    """All pages. A page for a caller who only looks ahead is admitted last."""

    def __init__(self, sources: Sources, composer: Composer, admissions: Admissions) -> None:
        self._sources = sources
        self._composer = composer
        self._admissions = admissions

    async def page(
        self, name: PageName, ask: Ask, budget: float, *, request_id: str, ahead: bool = False
    ) -> Page:
        """A page within `budget` seconds. Raises Refused: OVERLOADED, or what a hard section refuses."""
        priority = Priority.CHECKOUT if name is PageName.CART else Priority.BROWSE
        with self._admissions.admit(Priority.PREFETCH if ahead else priority) as admission:
            return await self._composer.page(
                name, ask, budget, request_id=request_id, strained=admission.strained
            )

    async def complete(self, ask: Ask, budget: float) -> tuple[tuple[str, ...], Status]:
        """Completions of the query's text, and how it went. Raises Refused: OVERLOADED."""
        with self._admissions.admit(Priority.PREFETCH):
            ends = monotonic() + min(COMPLETE_CAP, budget * (1 - RESERVE))
            try:
                found = await self._sources.backends.search.complete(
                    ask.shopper, ask.query.text, ask.size, ends - monotonic()
                )
                return found, Status.OK
            except (BackendError, Refused):
                own = await self._sources.shelf.complete(ask.query.text, ask.size)
                return own, Status.FALLBACK if own else Status.UNAVAILABLE
