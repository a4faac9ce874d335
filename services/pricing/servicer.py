"""PricingService: messages in, the domain's answer out."""

from collections.abc import Callable
from typing import Any

from aisle.pricing.v1 import (
    competitor_pb2,
    curve_pb2,
    experiment_pb2,
    learning_pb2,
    optimization_pb2,
    pricing_pb2_grpc,
    simulation_pb2,
)
from aisle.pricing.v1 import pricing_pb2 as pb

from services.kit.errors import ServiceError
from services.pricing.domain.experiment.asking import Experiments
from services.pricing.domain.ports import (
    Accounts,
    Competitors,
    Demands,
    Learner,
    Optimiser,
    Proposals,
    Simulator,
)
from services.pricing.domain.quotes import Quotes
from services.pricing.wire import (
    common,
    competitors,
    experiments,
    learning,
    optimization,
    plans,
    policies,
    prices,
    proposals,
    simulation,
)


class PricingServicer(pricing_pb2_grpc.PricingServiceServicer):
    """Quotes from memory; everything else from the accounts. `now` is in microseconds since 1970."""

    def __init__(
        self,
        quotes: Quotes,
        accounts: Accounts,
        desk: Proposals,
        rivals: Competitors,
        optimiser: Optimiser,
        simulator: Simulator,
        learner: Learner,
        lab: Experiments,
        demand: Demands,
        now: Callable[[], int],
    ) -> None:
        self._quotes, self._accounts, self._desk, self._now = quotes, accounts, desk, now
        self._rivals, self._optimiser, self._simulator = rivals, optimiser, simulator
        self._learner, self._lab, self._demand = learner, lab, demand

    async def QuotePrices(self, request: pb.QuotePricesRequest, context: Any) -> pb.QuotePricesResponse:
        """See the proto."""
        market, product_ids = common.to_market(request.market), prices.to_product_ids(request)
        quotes, unpriced = self._quotes.of(market, product_ids, self._now())
        return pb.QuotePricesResponse(quotes=map(prices.from_quote, quotes), unpriced_product_ids=unpriced)

    async def ExplainPrice(self, request: pb.ExplainPriceRequest, context: Any) -> pb.ExplainPriceResponse:
        """See the proto."""
        market, product_id = self._product(request)
        story = await self._accounts.story(market, product_id)
        return prices.from_story(product_id, story, self._now(), self._demand.known(product_id))

    async def ListPriceHistory(
        self, request: pb.ListPriceHistoryRequest, context: Any
    ) -> pb.ListPriceHistoryResponse:
        """See the proto."""
        market, product_id = self._product(request)
        size = common.to_page_size(request.page_size)
        before = common.from_page_token(request.page_token, market, product_id)
        # One more than asked tells whether there is another page.
        found = await self._accounts.history(market, product_id, before, size + 1)
        page = found[:size]
        more = common.to_page_token(page[-1].number, market, product_id) if len(found) > size else ""
        return pb.ListPriceHistoryResponse(entries=map(prices.from_entry, page), next_page_token=more)

    async def SetPricingPolicy(
        self, request: pb.SetPricingPolicyRequest, context: Any
    ) -> pb.SetPricingPolicyResponse:
        """See the proto."""
        if not request.HasField("policy"):
            raise ServiceError("REQUIRED", "policy is required", field="policy")
        policy, actor = policies.to_policy(request.policy), policies.to_policy_actor(request)
        policy = await self._accounts.set_policy(policy, actor)
        return pb.SetPricingPolicyResponse(policy=policies.from_policy(policy))

    async def ProposePrices(self, request: pb.ProposePricesRequest, context: Any) -> pb.ProposePricesResponse:
        """See the proto."""
        ask = proposals.to_ask(request)
        self._quotes.check(ask.market)
        return proposals.from_answer(await self._desk.propose(ask))

    async def ListProposals(self, request: pb.ListProposalsRequest, context: Any) -> pb.ListProposalsResponse:
        """See the proto."""
        market, status = common.to_market(request.market), proposals.to_status(request.status)
        self._quotes.check(market)
        size, asked = common.to_page_size(request.page_size), (market, str(request.status))
        before = common.from_page_token(request.page_token, *asked)
        found = await self._desk.proposals(market, status, before, size + 1)
        page = found[:size]
        more = common.to_page_token(page[-1].number, *asked) if len(found) > size else ""
        shown = [one for one in page if status in (None, one.status)]
        return pb.ListProposalsResponse(proposals=proposals.from_proposals(shown), next_page_token=more)

    async def ApproveProposal(
        self, request: pb.ApproveProposalRequest, context: Any
    ) -> pb.ApproveProposalResponse:
        """See the proto."""
        number, approver = (
            proposals.to_number(request.proposal_id),
            common.to_actor(request.approver, "approver"),
        )
        done = await self._desk.approve(number, approver, common.to_note(request.note, "note"))
        return pb.ApproveProposalResponse(proposal=proposals.from_proposal(done))

    async def RejectProposal(
        self, request: pb.RejectProposalRequest, context: Any
    ) -> pb.RejectProposalResponse:
        """See the proto."""
        number, actor = proposals.to_number(request.proposal_id), common.to_actor(request.actor, "actor")
        done = await self._desk.reject(number, actor, common.to_note(request.note, "note"))
        return pb.RejectProposalResponse(proposal=proposals.from_proposal(done))

    async def StopPricing(self, request: pb.StopPricingRequest, context: Any) -> pb.StopPricingResponse:
        """See the proto."""
        stop = await self._accounts.stop(policies.to_stop(request))
        return pb.StopPricingResponse(stop=policies.from_stop(stop))

    async def ResumePricing(self, request: pb.ResumePricingRequest, context: Any) -> pb.ResumePricingResponse:
        """See the proto."""
        resumed = await self._accounts.resume(*policies.to_resumed(request))
        return pb.ResumePricingResponse(resumed=resumed)

    async def ImportCompetitorPrices(
        self, request: competitor_pb2.ImportCompetitorPricesRequest, context: Any
    ) -> competitor_pb2.ImportCompetitorPricesResponse:
        """See the proto."""
        market, actor = common.to_market(request.market), common.to_actor(request.actor, "actor")
        seen, unread = competitors.to_seen(request)
        return competitors.from_imported(await self._rivals.take_in(market, seen, actor), unread)

    async def OptimizePrices(
        self, request: optimization_pb2.OptimizePricesRequest, context: Any
    ) -> optimization_pb2.OptimizePricesResponse:
        """See the proto."""
        wanted = optimization.to_wanted(request)
        self._quotes.check(wanted.market)
        return optimization.from_optimised(await self._optimiser.optimise(wanted))

    async def DescribeDemand(
        self, request: curve_pb2.DescribeDemandRequest, context: Any
    ) -> curve_pb2.DescribeDemandResponse:
        """See the proto."""
        market, product_id = common.to_market(request.market), common.to_product_id(request.product_id)
        self._quotes.check(market)
        return optimization.from_described(await self._optimiser.described(market, product_id))

    async def PlanMarkdown(
        self, request: optimization_pb2.PlanMarkdownRequest, context: Any
    ) -> optimization_pb2.PlanMarkdownResponse:
        """See the proto."""
        market, product_id = common.to_market(request.market), common.to_product_id(request.product_id)
        self._quotes.check(market)
        asked, proposing = plans.to_clearing(request), plans.to_proposing(request)
        return plans.from_cleared(await self._optimiser.markdown(market, product_id, asked, proposing))

    async def PlanPromotions(
        self, request: optimization_pb2.PlanPromotionsRequest, context: Any
    ) -> optimization_pb2.PlanPromotionsResponse:
        """See the proto."""
        wanted, calendar, start, cross = plans.to_calendar(request)
        self._quotes.check(wanted.market)
        proposing = plans.to_proposing(request)
        return plans.from_planned(await self._optimiser.promotions(wanted, calendar, start, cross, proposing))

    async def SimulatePolicy(
        self, request: pb.SimulatePolicyRequest, context: Any
    ) -> simulation_pb2.SimulatePolicyResponse:
        """See the proto."""
        trial = simulation.to_trial(request)
        self._quotes.check(trial.market)
        return simulation.from_simulated(await self._simulator.simulate(trial))

    async def LearnPrices(
        self, request: learning_pb2.LearnPricesRequest, context: Any
    ) -> learning_pb2.LearnPricesResponse:
        """See the proto."""
        wanted = learning.to_learning(request)
        self._quotes.check(wanted.market)
        return learning.from_learnt(await self._learner.learn(wanted))

    async def StartExperiment(
        self, request: experiment_pb2.StartExperimentRequest, context: Any
    ) -> experiment_pb2.StartExperimentResponse:
        """See the proto."""
        sought = experiments.to_sought(request)
        self._quotes.check(sought.market)
        return experiments.from_started(await self._lab.start(sought))

    async def ApproveExperiment(
        self, request: experiment_pb2.ApproveExperimentRequest, context: Any
    ) -> experiment_pb2.ApproveExperimentResponse:
        """See the proto."""
        number = experiments.to_experiment_number(request.experiment_id)
        shown = await self._lab.approve(number, common.to_actor(request.approver, "approver"))
        return experiment_pb2.ApproveExperimentResponse(experiment=experiments.from_shown(shown))

    async def StopExperiment(
        self, request: experiment_pb2.StopExperimentRequest, context: Any
    ) -> experiment_pb2.StopExperimentResponse:
        """See the proto."""
        number = experiments.to_experiment_number(request.experiment_id)
        actor = common.to_actor(request.actor, "actor")
        shown = await self._lab.stop(number, actor, common.to_note(request.note, "note"))
        return experiment_pb2.StopExperimentResponse(experiment=experiments.from_shown(shown))

    async def ListExperiments(
        self, request: experiment_pb2.ListExperimentsRequest, context: Any
    ) -> experiment_pb2.ListExperimentsResponse:
        """See the proto."""
        market, size = common.to_market(request.market), common.to_page_size(request.page_size)
        self._quotes.check(market)
        before = common.from_page_token(request.page_token, "experiments", market)
        found = await self._lab.experiments(market, before, size + 1)
        page = found[:size]
        number = page[-1].experiment.number if len(found) > size else 0
        more = common.to_page_token(number, "experiments", market) if number else ""
        told = [experiments.from_shown(one) for one in page]
        return experiment_pb2.ListExperimentsResponse(experiments=told, next_page_token=more)

    async def MeasureExperiment(
        self, request: experiment_pb2.MeasureExperimentRequest, context: Any
    ) -> experiment_pb2.MeasureExperimentResponse:
        """See the proto."""
        number = experiments.to_experiment_number(request.experiment_id)
        return experiments.from_measured(await self._lab.measure(number))

    def _product(self, request: pb.ExplainPriceRequest | pb.ListPriceHistoryRequest) -> tuple[str, str]:
        market, product_id = common.to_market(request.market), common.to_product_id(request.product_id)
        self._quotes.check(market)
        return market, product_id
