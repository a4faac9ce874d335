"""What the domain needs of the outside: a store that keeps products, prices, policies and the ledger."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from services.pricing.domain.account import Entry, State
from services.pricing.domain.competitor import Rival
from services.pricing.domain.demand.crossing import CrossElasticity
from services.pricing.domain.demand.response import Response
from services.pricing.domain.demand.whatif import Outcome
from services.pricing.domain.errors import PricingError
from services.pricing.domain.learning.next_price import Choice
from services.pricing.domain.learning.stopping import StopRule
from services.pricing.domain.optimiser.clearing import Clearing, Markdown
from services.pricing.domain.optimiser.curve import Curve
from services.pricing.domain.optimiser.goals import Objective
from services.pricing.domain.optimiser.optimise import Plan
from services.pricing.domain.optimiser.promotions import Calendar, Cross, Promotions
from services.pricing.domain.pipeline import Move
from services.pricing.domain.policies import Key
from services.pricing.domain.policy import Policy
from services.pricing.domain.product import Facts
from services.pricing.domain.proposal import Proposal, Status, Wish
from services.pricing.domain.terms import Stop, Terms
from services.pricing.domain.trial import Trial


class Story(NamedTuple):
    """How a price came to be: the state, the rules asked in order, and the terms and facts they went by."""

    state: State
    moves: Sequence[Move]
    terms: Terms
    facts: Facts


class Known(NamedTuple):
    """What a model of a version knows of a product, and whose prices its demand answers to most."""

    version: str
    response: Response
    substitutes: Sequence[CrossElasticity]


class Demands(Protocol):
    """The demand that was learnt."""

    def known(self, product_id: str) -> Known | None:
        """What is known of a product; None where no model is, or it knows nothing of the product."""
        ...


class Ask(NamedTuple):
    """Prices to propose, each product once (of a `plan` once a time). The same non-empty `request_id` again
    changes nothing.

    `keeps`: a wish for the price in force is a choice, too, and put on record with its propensity.
    """

    market: str
    wishes: Sequence[Wish]
    proposer: str
    request_id: str
    life: int
    keeps: bool = False
    plan: bool = False


class Skipped(NamedTuple):
    """A product that nothing was proposed for, and why, in words."""

    product_id: str
    reason: str


class Answer(NamedTuple):
    """What came of an ask; `kept` are the products whose price in force was chosen."""

    proposals: Sequence[Proposal]
    skipped: Sequence[Skipped]
    kept: Sequence[str] = ()


class Seen(NamedTuple):
    """A competitor's price that somebody brings, and its place among those brought with it."""

    place: int
    product_id: str
    rival: Rival


class Imported(NamedTuple):
    """How many prices count from now on, how many told nothing new, and which were refused, and why."""

    imported: int
    known: int
    refused: Sequence[tuple[Seen, PricingError]]


class Competitors(Protocol):
    """What other shops ask."""

    async def take_in(self, market: str, seen: Sequence[Seen], actor: str) -> Imported:
        """Keeps the newest price of each product and competitor, and makes the prices that follow them anew.

        Of two seen at one time the lower is kept. Raises InvalidValue for a market without prices.
        """
        ...


class Optimised(NamedTuple):
    """Better prices, the version of the model that found them, and the proposals made of them by product."""

    plan: Plan
    model: str
    proposals: Mapping[str, Proposal]


class Wanted(NamedTuple):
    """What to optimise: some products, a category, or all; the policies' objective where none is given.

    Proposes in the name of `proposer`, nothing when that is empty.
    """

    market: str
    product_ids: Sequence[str] = ()
    category: str = ""
    objective: Objective | None = None
    proposer: str = ""
    request_id: str = ""


class Proposing(NamedTuple):
    """Who proposes a plan, and the id of it: a repeated one proposes nothing twice."""

    proposer: str
    plan_id: str


class Cleared(NamedTuple):
    """A plan for a stock, the version of the model that made it, and what was proposed."""

    markdown: Markdown
    model: str
    proposed: Answer | None


class Planned(NamedTuple):
    """A calendar of promotions, when its first week begins, the version of the model that made it, and what
    was proposed.
    """

    promotions: Promotions
    start: int
    model: str
    proposed: Answer | None = None


class Described(NamedTuple):
    """A product's demand curve, the version of the model, and its weeks: start, mean price, pieces."""

    curve: Curve
    model: str
    weeks: Sequence[tuple[int, float, float]]


class Optimiser(Protocol):
    """Finds better prices."""

    async def optimise(self, wanted: Wanted) -> Optimised:
        """Reads what is known and finds the best prices. Raises ServiceError MODEL_UNAVAILABLE."""
        ...

    async def described(self, market: str, product_id: str) -> Described:
        """What is known of a product's demand. Raises InvalidValue, ServiceError MODEL_UNAVAILABLE."""
        ...

    async def markdown(
        self, market: str, product_id: str, asked: Clearing, proposing: Proposing | None
    ) -> Cleared:
        """A plan for a stock.

        Raises InvalidValue, MixedCurrencies, ServiceError MODEL_UNAVAILABLE.
        """
        ...

    async def promotions(
        self,
        wanted: Wanted,
        calendar: Calendar,
        start: int | None,
        cross: Cross,
        proposing: Proposing | None,
    ) -> Planned:
        """The best promotions from a day on, from now for None. Raises as markdown does."""
        ...


class Accounts(Protocol):
    """The account of each product."""

    async def story(self, market: str, product_id: str) -> Story:
        """How the price now came to be. Raises ProductNotFound, PriceNotFound."""
        ...

    async def history(self, market: str, product_id: str, before: int | None, limit: int) -> list[Entry]:
        """Ledger entries numbered below `before`, latest first. Raises ProductNotFound."""
        ...

    async def set_policy(self, policy: Policy, actor: str) -> Policy:
        """Sets a policy and makes the prices it bounds anew, all or nothing; returns it with its update_time.

        The same policy again changes nothing. Raises MixedCurrencies, TooManyItems (markets).
        """
        ...

    async def stop(self, stop: Stop) -> Stop:
        """Sets prices of a scope back to their basis until resumed; the stop that stands there already stays.

        Raises InvalidValue for a market without prices.
        """
        ...

    async def resume(self, key: Key, actor: str, reason: str) -> bool:
        """Lifts the stop of exactly this scope; False when there is none. Raises InvalidValue."""
        ...


class Proposals(Protocol):
    """Prices that wait for a person's word."""

    async def propose(self, ask: Ask) -> Answer:
        """Keeps proposals; those under a policy of mode automatic are applied at once."""
        ...

    async def proposals(
        self, market: str, status: Status | None, before: int | None, limit: int
    ) -> list[Proposal]:
        """Numbered below `before`, latest first. For PENDING, EXPIRED and STALE: all that wait, as now."""
        ...

    async def approve(self, number: int, approver: str, note: str) -> Proposal:
        """Applies a proposal, exactly once however often it is approved; later calls return it as it is.

        Raises ProposalNotFound, ProposalDecided (rejected before), ProposalExpired, ProposalStale.
        """
        ...

    async def reject(self, number: int, actor: str, note: str) -> Proposal:
        """Rejects a proposal; a rejected one stays. Raises ProposalNotFound, ProposalDecided (applied)."""
        ...


class Simulated(NamedTuple):
    """What a trial's prices would have brought: the model's version, the weeks from `start` to `end`
    (microseconds), the currency, all products together, and each category."""

    model: str
    weeks: int
    start: int
    end: int
    currency: str
    total: Outcome
    categories: Sequence[Outcome]


class Simulator(Protocol):
    """What other prices would have brought."""

    async def simulate(self, trial: Trial) -> Simulated:
        """Replays the last weeks. Raises ServiceError MODEL_UNAVAILABLE, InvalidValue (market)."""
        ...


class Remaining(NamedTuple):
    """A stock that is to be gone once so many shoppers have come; `pieces` None for the catalogue's,
    `salvage` in micros for a piece that is left.
    """

    pieces: int | None
    shoppers: int
    salvage: int = 0


class Offers(NamedTuple):
    """A product's prices to learn from, ascending, in micros: shoppers who could buy at each, and who did.

    `stock` is None where it lasts.
    """

    product_id: str
    currency: str
    prices: Sequence[int]
    offered: Sequence[int]
    sold: Sequence[int]
    stock: Remaining | None = None


class Learning(NamedTuple):
    """What to learn from, each product once; the same `request_id` again proposes nothing twice."""

    market: str
    products: Sequence[Offers]
    proposer: str
    request_id: str
    exploration: float
    rule: StopRule


class Learnt(NamedTuple):
    """The next price of a product, and its proposal; in words why nothing was chosen or proposed.

    `kept`: the choice fell on the price in force, which is on record.
    """

    offers: Offers
    choice: Choice | None
    proposal: Proposal | None
    reason: str
    kept: bool = False


class Learner(Protocol):
    """Learns the best prices while selling at them."""

    async def learn(self, learning: Learning) -> list[Learnt]:
        """Chooses and proposes the next prices. Raises InvalidValue (market)."""
        ...
