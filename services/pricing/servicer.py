"""PricingService: messages in, the domain's answer out."""

from collections.abc import Callable
from typing import Any

from aisle.pricing.v1 import pricing_pb2 as pb
from aisle.pricing.v1 import pricing_pb2_grpc

from services.kit.errors import ServiceError
from services.pricing import wire
from services.pricing.domain.ports import Accounts
from services.pricing.domain.quotes import Quotes, quote


class PricingServicer(pricing_pb2_grpc.PricingServiceServicer):
    """Quotes from memory; everything else from the accounts. `now` is in microseconds since 1970."""

    def __init__(self, quotes: Quotes, accounts: Accounts, now: Callable[[], int]) -> None:
        self._quotes, self._accounts, self._now = quotes, accounts, now

    async def QuotePrices(self, request: pb.QuotePricesRequest, context: Any) -> pb.QuotePricesResponse:
        """See the proto."""
        market, product_ids = wire.to_market(request.market), wire.to_product_ids(request)
        quotes, unpriced = self._quotes.of(market, product_ids, self._now())
        return pb.QuotePricesResponse(quotes=map(wire.from_quote, quotes), unpriced_product_ids=unpriced)

    async def ExplainPrice(self, request: pb.ExplainPriceRequest, context: Any) -> pb.ExplainPriceResponse:
        """See the proto."""
        market, product_id = self._product(request)
        story = await self._accounts.story(market, product_id)
        steps, policy = wire.from_story(story)
        now = wire.from_quote(quote(product_id, story.state, self._now()))
        return pb.ExplainPriceResponse(quote=now, steps=steps, policy=policy)

    async def ListPriceHistory(
        self, request: pb.ListPriceHistoryRequest, context: Any
    ) -> pb.ListPriceHistoryResponse:
        """See the proto."""
        market, product_id = self._product(request)
        size = wire.to_page_size(request.page_size)
        before = wire.from_page_token(market, product_id, request.page_token)
        # One more than asked tells whether there is another page.
        found = await self._accounts.history(market, product_id, before, size + 1)
        page = found[:size]
        more = wire.to_page_token(market, product_id, page[-1]) if len(found) > size else ""
        return pb.ListPriceHistoryResponse(entries=map(wire.from_entry, page), next_page_token=more)

    async def SetPricingPolicy(
        self, request: pb.SetPricingPolicyRequest, context: Any
    ) -> pb.SetPricingPolicyResponse:
        """See the proto."""
        if not request.HasField("policy"):
            raise ServiceError("REQUIRED", "policy is required", field="policy")
        policy = await self._accounts.set_policy(wire.to_policy(request.policy))
        return pb.SetPricingPolicyResponse(policy=wire.from_policy(policy))

    def _product(self, request: pb.ExplainPriceRequest | pb.ListPriceHistoryRequest) -> tuple[str, str]:
        market, product_id = wire.to_market(request.market), wire.to_product_id(request.product_id)
        self._quotes.check(market)
        return market, product_id
