"""Composes pages: sections in parallel within the budget, then cards, then one quote for all prices."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic, time
from typing import Final

from services.gateway.domain.attribution import Attribution
from services.gateway.domain.calls import Ask, Call, Sources
from services.gateway.domain.errors import BackendTimedOut, BackendUnavailable, Refused
from services.gateway.domain.model import Answer, Candidate, Card, Item, Page, PriceTag, Section, Status
from services.gateway.domain.pages import SECTIONS, Need, PageName, SectionPlan
from services.gateway.domain.prices import PriceTags

RESERVE: Final = 0.25  # of the budget, but at most
MOST_RESERVE: Final = 0.25  # seconds, are kept for prices and for putting the page together
PRICES_CAP: Final = 0.2
GRACE: Final = 0.02  # seconds that a call may be late, since it counts its time by itself
MOST_CANDIDATES: Final = 200  # what the services answer at most


@dataclass(frozen=True, slots=True)
class SectionDone:
    """Told to the hook when a section has ended; `error` is set when something failed, a bug among it."""

    page: str
    section: str
    status: str
    seconds: float
    error: BaseException | None = None


Hook = Callable[[SectionDone], None]


class Composer:
    """Composes pages after the table of sections."""

    def __init__(
        self,
        sources: Sources,
        tags: PriceTags,
        hook: Hook = lambda done: None,
        table: Sequence[SectionPlan] = SECTIONS,
    ) -> None:
        self._sources = sources
        self._tags = tags
        self._hook = hook
        self._plans = {name: [plan for plan in table if plan.page is name] for name in PageName}

    async def page(
        self, name: PageName, ask: Ask, budget: float, *, request_id: str = "", strained: bool = False
    ) -> Page:
        """A page within `budget` seconds. Raises Refused when a hard section's request is wrong."""
        started = monotonic()
        ends, reserve = started + budget, min(RESERVE * budget, MOST_RESERVE)
        plans = self._plans[name]
        tasks = [
            asyncio.create_task(self._fill(plan, ask, ends - reserve, strained and plan.sheddable))
            for plan in plans
        ]
        try:
            filled = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        sections = await self._hydrated(plans, filled, ask.size, ends - reserve / 4)
        models = tuple((section.id, section.served_by) for section in sections if section.served_by)
        token = Attribution(request_id, name.value, int(time() * 1000), models).token()
        return Page(sections, token, monotonic() - started)

    async def _fill(self, plan: SectionPlan, ask: Ask, ends: float, shed: bool) -> Section:
        """The section without items: they need all sections' candidates."""
        started, error = monotonic(), None
        answer = Answer(status=Status.SHED)
        if not shed:
            ask = replace(ask, size=min(ask.size * max(1, plan.claim), MOST_CANDIDATES))
            limit = max(0.0, min(plan.cap_ms / 1000, ends - started))
            answer, error = await self._answer(plan, ask, limit)
        latency = monotonic() - started
        self._hook(SectionDone(plan.page.value, plan.id, answer.status.name, latency, error))
        return Section(plan.id, plan.title, answer.status, answer.served_by, latency, answer=answer)

    async def _answer(self, plan: SectionPlan, ask: Ask, limit: float) -> tuple[Answer, Exception | None]:
        answer, error = await self._tried(plan, plan.call, ask, limit)
        if error is None or plan.fallback is None:
            return answer, error
        instead, failed = await self._tried(plan, plan.fallback, ask, MOST_RESERVE / 2)
        if failed or not instead.candidates:
            return answer, failed or error
        return replace(instead, status=Status.FALLBACK), error

    async def _tried(
        self, plan: SectionPlan, call: Call, ask: Ask, limit: float
    ) -> tuple[Answer, Exception | None]:
        try:
            async with asyncio.timeout(limit + GRACE):
                return await call(self._sources, ask, limit), None
        except (BackendTimedOut, TimeoutError) as error:
            return Answer(status=Status.TIMED_OUT), error
        except BackendUnavailable as error:
            return Answer(status=Status.UNAVAILABLE), error
        except Refused as error:
            if plan.need is Need.HARD:
                raise
            return Answer(status=Status.UNAVAILABLE), error
        except Exception as error:  # a bug in one section is told to the hook, and costs no page
            return Answer(status=Status.UNAVAILABLE), error

    async def _hydrated(
        self, plans: Sequence[SectionPlan], sections: Sequence[Section], size: int, ends: float
    ) -> tuple[Section, ...]:
        ids = {one.product_id for section in sections for one in section.answer.candidates}
        cards = self._sources.shelf.cards(list(ids))
        shown = _claimed(plans, sections, cards, size)
        wanted = {one.product_id: cards[one.product_id] for chosen in shown.values() for one in chosen}
        tags = await self._priced(wanted, ends)
        return tuple(replace(section, items=_items(shown[section.id], cards, tags)) for section in sections)

    async def _priced(self, cards: Mapping[str, Card], ends: float) -> Mapping[str, PriceTag]:
        limit = max(0.0, min(PRICES_CAP, ends - monotonic()))
        return await self._tags.of(cards, limit)


def _claimed(
    plans: Sequence[SectionPlan], sections: Sequence[Section], cards: Mapping[str, Card], size: int
) -> dict[str, list[Candidate]]:
    """What each section shows: existing products, each where the claim is lowest, at most `size`."""
    shown: dict[str, list[Candidate]] = {}
    taken: set[str] = set()
    for plan, section in sorted(zip(plans, sections, strict=True), key=lambda pair: pair[0].claim):
        chosen = shown[plan.id] = []
        for candidate in section.answer.candidates:
            known, again = candidate.product_id in cards, candidate.product_id in taken
            if known and (plan.claim == 0 or (not again and len(chosen) < size)):
                chosen.append(candidate)
                taken.add(candidate.product_id)
    return shown


def _items(
    candidates: Sequence[Candidate], cards: Mapping[str, Card], tags: Mapping[str, PriceTag]
) -> tuple[Item, ...]:
    return tuple(
        Item(position, one, cards[one.product_id], tags.get(one.product_id))
        for position, one in enumerate(candidates, 1)
    )
