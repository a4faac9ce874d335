"""Proposals in SQL: made, listed, decided on. Applying one changes its price in the same transaction."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, func, insert, select, update

from services.pricing.adapters import ledger, rows, tables
from services.pricing.adapters.batch import Batch
from services.pricing.adapters.store import Store
from services.pricing.domain.audit import Act
from services.pricing.domain.errors import (
    ProposalDecided,
    ProposalExpired,
    ProposalNotFound,
    ProposalStale,
)
from services.pricing.domain.policies import Policies
from services.pricing.domain.policy import Mode
from services.pricing.domain.ports import Answer, Ask, Skipped
from services.pricing.domain.product import Money
from services.pricing.domain.proposal import Draft, Proposal, Status, Wish, stale

ACTS = {
    Status.APPLIED: "apply",
    Status.APPROVED: "approve",
    Status.REJECTED: "reject",
    Status.STALE: "find stale",
}

KEEP = "keep"
"""The act of choosing the price in force again."""

AUTOMATIC = "automatic"
"""The approver of prices that a policy lets apply without a person."""


class Desk:
    """Proposals over a store. Methods block: call them in a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def propose(self, ask: Ask) -> Answer:
        """See ports.Proposals."""
        store = self._store
        with store.change() as (connection, revision):
            known, kept = self._asked_before(connection, ask), self._kept_before(connection, ask)
            if known or kept:
                return Answer(known, [], kept)
            now = store.now()
            batch = self._batch(connection, [wish.product_id for wish in ask.wishes], now)
            number = connection.execute(select(func.max(tables.proposals.c.number))).scalar() or 0
            made: list[Proposal] = []
            skipped: list[Skipped] = []
            for wish in ask.wishes:
                later = wish.starts is not None and wish.starts > now
                drafted = batch.draft(ask.market, wish.product_id, wish.money, now, later=later)
                if isinstance(drafted, str):
                    skipped.append(Skipped(wish.product_id, drafted))
                elif drafted.money.micros == drafted.inputs.price and not later:
                    skipped.append(Skipped(wish.product_id, "the rules leave the price as it is"))
                    if ask.keeps and wish.money == drafted.money:
                        kept.append(wish.product_id)
                        self._keep(connection, ask, wish, now)
                else:
                    number += 1
                    made.append(_proposal(number, ask, wish, drafted, now))
            if ask.plan:
                self._withdraw(connection, ask, now)
            if made:
                connection.execute(insert(tables.proposals), [rows.proposal_row(one) for one in made])
            told = [self._applied_if_automatic(connection, batch, one, now) for one in made]
            batch.write(revision)
        store.refresh()
        return Answer(told, skipped, kept)

    def proposals(self, market: str, status: Status | None, before: int | None, limit: int) -> list[Proposal]:
        """See ports.Proposals."""
        table = tables.proposals
        found = select(table).where(table.c.market == market)
        if status is not None:
            kept = {status, Status.PENDING} if status is Status.STALE else {status}
            kept = {Status.PENDING} if status is Status.EXPIRED else kept
            found = found.where(table.c.status.in_([one.value for one in kept]))
        if before is not None:
            found = found.where(table.c.number < before)
        with self._store.database.read() as connection:
            page = connection.execute(found.order_by(table.c.number.desc()).limit(limit)).all()
            return self._as_of_now(connection, [rows.to_proposal(row) for row in page])

    def approve(self, number: int, approver: str, note: str) -> Proposal:
        """See ports.Proposals."""
        store = self._store
        with store.change() as (connection, revision):
            known, batch, now = self._pending(connection, number, Status.APPLIED, Status.APPROVED)
            if known.status is Status.EXPIRED:
                raise ProposalExpired("the proposal was not decided in its time", field="proposal_id")
            if known.status is Status.STALE:
                raise ProposalStale(f"the proposal is stale: {known.note}", field="proposal_id")
            if known.status is Status.PENDING and known.starts is not None and known.starts > now:
                known = self._decided(connection, known, Status.APPROVED, approver, note, now)
            elif known.status is Status.PENDING:
                known = self._apply(connection, batch, known, approver, note, now)
                batch.write(revision)
        store.refresh()
        return known

    def turn(self) -> None:
        """Applies approved prices whose time has come, each once, in whatever replica; what the rules no more
        leave as it is becomes stale.
        """
        store, proposals = self._store, tables.proposals
        table = proposals.c
        due = select(proposals).where(table.status == Status.APPROVED.value, table.starts <= store.now())
        with store.database.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return
        with store.change() as (connection, revision):
            now = store.now()
            found = [
                rows.to_proposal(row) for row in connection.execute(due.order_by(table.starts, table.number))
            ]
            batch = self._batch(connection, [one.product_id for one in found], now)
            for known in found:
                drafted = batch.draft(known.market, known.product_id, Money(known.currency, known.new), now)
                if why := stale(known, drafted):
                    self._decided(connection, known, Status.STALE, known.decided_by, why, now)
                else:
                    self._apply(connection, batch, known, known.decided_by, known.note, now)
            batch.write(revision)
        store.refresh()

    def _withdraw(self, connection: Connection, ask: Ask, now: int) -> None:
        """Rejects what waits of earlier plans for the products of this one."""
        table, ids = tables.proposals.c, sorted({wish.product_id for wish in ask.wishes})
        waits = table.status.in_((Status.PENDING.value, Status.APPROVED.value)) & table.starts.is_not(None)
        theirs = (table.market == ask.market) & self._store.database.among(table.product_id, ids)
        for row in connection.execute(select(tables.proposals).where(waits, theirs)).all():
            note = f"plan {ask.request_id} took its place"
            self._decided(connection, rows.to_proposal(row), Status.REJECTED, ask.proposer, note, now)

    def reject(self, number: int, actor: str, note: str) -> Proposal:
        """See ports.Proposals."""
        with self._store.change() as (connection, _):
            known, _, now = self._pending(connection, number, Status.REJECTED, Status.APPROVED)
            if known.status is Status.REJECTED:
                return known
            return self._decided(connection, known, Status.REJECTED, actor, note, now)

    def _pending(self, connection: Connection, number: int, *wanted: Status) -> tuple[Proposal, Batch, int]:
        """A proposal as it stands now, undecided or decided as wanted. Raises ProposalNotFound, -Decided."""
        table, now = tables.proposals, self._store.now()
        row = connection.execute(select(table).where(table.c.number == number)).first()
        if row is None:
            raise ProposalNotFound("no proposal has this id", field="proposal_id")
        known = rows.to_proposal(row)
        if known.status not in (Status.PENDING, *wanted):
            message = f"the proposal was {known.status.name.lower()} by {known.decided_by}"
            raise ProposalDecided(message, field="proposal_id")
        batch = self._batch(connection, [known.product_id], now)
        return _as_of(now, known, batch), batch, now

    def _apply(
        self, connection: Connection, batch: Batch, known: Proposal, approver: str, note: str, now: int
    ) -> Proposal:
        batch.decide(known.market, known.product_id, known.decision(approver), now)
        return self._decided(connection, known, Status.APPLIED, approver, note, now)

    def _applied_if_automatic(
        self, connection: Connection, batch: Batch, made: Proposal, now: int
    ) -> Proposal:
        rules = batch.terms(made.market, made.product_id, now).rules
        if rules is None or rules.mode is not Mode.AUTOMATIC:
            return made
        if made.starts is not None and made.starts > now:
            return self._decided(connection, made, Status.APPROVED, AUTOMATIC, "", now)
        return self._apply(connection, batch, made, AUTOMATIC, "", now)

    def _decided(
        self, connection: Connection, known: Proposal, status: Status, actor: str, note: str, now: int
    ) -> Proposal:
        done = replace(known, status=status, decided_by=actor, decided=now, note=note)
        table = tables.proposals
        connection.execute(update(table).where(table.c.number == known.number), rows.proposal_row(done))
        act = ACTS[status]
        details = {"old": known.old, "new": known.new, "currency": known.currency, "note": note}
        subject = f"proposal {known.number} product {known.product_id}"
        ledger.record(connection, Act(now, actor, act, known.market, subject, details))
        return done

    def _asked_before(self, connection: Connection, ask: Ask) -> list[Proposal]:
        table = tables.proposals
        if not ask.request_id:
            return []
        same = (table.c.market == ask.market) & (table.c.request_id == ask.request_id)
        found = connection.execute(select(table).where(same).order_by(table.c.number))
        return self._as_of_now(connection, [rows.to_proposal(row) for row in found])

    def _keep(self, connection: Connection, ask: Ask, wish: Wish, now: int) -> None:
        """Puts on record that the price in force was chosen again, and with which chance."""
        known = wish.evidence
        details = {
            "price": wish.money.micros,
            "currency": wish.money.currency,
            "propensity": known.propensity,
        }
        subject = f"product {wish.product_id} request {ask.request_id}"
        act = Act(now, ask.proposer, KEEP, ask.market, subject, details | {"model": known.model})
        ledger.record(connection, act)

    def _kept_before(self, connection: Connection, ask: Ask) -> list[str]:
        if not (ask.keeps and ask.request_id):
            return []
        acts = tables.acts.c
        subjects = {
            f"product {wish.product_id} request {ask.request_id}": wish.product_id for wish in ask.wishes
        }
        same = (acts.market == ask.market) & (acts.act == KEEP)
        found = select(acts.subject).where(same, self._store.database.among(acts.subject, list(subjects)))
        return [subjects[row.subject] for row in connection.execute(found)]

    def _as_of_now(self, connection: Connection, known: Sequence[Proposal]) -> list[Proposal]:
        now = self._store.now()
        ids = [one.product_id for one in known if one.status is Status.PENDING]
        batch = self._batch(connection, ids, now)
        return [_as_of(now, one, batch) for one in known]

    def _batch(self, connection: Connection, ids: Sequence[str], now: int) -> Batch:
        policies: Policies = self._store.policies(connection)
        return Batch(self._store.database, connection, policies, ids, earliest=now)


def _proposal(number: int, ask: Ask, wish: Wish, drafted: Draft, now: int) -> Proposal:
    return Proposal(
        number=number,
        market=ask.market,
        product_id=wish.product_id,
        currency=drafted.money.currency,
        old=drafted.inputs.price,
        new=drafted.money.micros,
        rule=drafted.rule,
        status=Status.PENDING,
        proposer=ask.proposer,
        request_id=ask.request_id,
        created=now,
        expires=max(now, wish.starts or 0) + ask.life,
        starts=wish.starts,
        inputs=drafted.inputs,
        evidence=wish.evidence,
    )


def _as_of(now: int, known: Proposal, batch: Batch) -> Proposal:
    """A proposal that still waits, told expired or stale when it is."""
    if known.status is not Status.PENDING:
        return known
    if now >= known.expires:
        return replace(known, status=Status.EXPIRED)
    money, later = Money(known.currency, known.new), known.starts is not None and known.starts > now
    why = stale(known, batch.draft(known.market, known.product_id, money, now, later=later))
    return replace(known, status=Status.STALE, note=why) if why else known
