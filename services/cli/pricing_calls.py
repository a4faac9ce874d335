"""A call to pricing from the command line: where it is, and what a refusal says."""

import asyncio
from typing import Annotated, Any

import typer

from services.cli import output

SECONDS = 10.0

Market = Annotated[str, typer.Option(help="The market.")]
Target = Annotated[
    str, typer.Option(help="Where pricing is, host:port.", envvar="AISLE_GATEWAY_PRICING_TARGET")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

TARGET = "127.0.0.1:50054"


def call(target: str, rpc: str, request: Any, seconds: float = SECONDS) -> Any:
    """The answer of one of PricingService's RPCs. Ends the command with 1 and the reason of a refusal."""
    import grpc

    from services.kit.errors import reason_of

    try:
        return asyncio.run(_call(target, rpc, request, seconds))
    except grpc.RpcError as error:
        output.fail(f"{rpc} did not go through: {reason_of(error) or error.code().name} {error.details()}")
        raise typer.Exit(1) from None


async def _call(target: str, rpc: str, request: Any, seconds: float) -> Any:
    from aisle.pricing.v1.pricing_pb2_grpc import PricingServiceStub

    from services.kit.channels import connect

    async with connect(target) as channel:
        return await getattr(PricingServiceStub(channel), rpc)(request, timeout=seconds)


def amount(money: Any) -> str:
    """A Money message as a reader writes it."""
    from services.pricing.domain.words import amount as words

    return words(money.amount_micros)
