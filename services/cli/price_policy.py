"""`aisle price set-policy FILE`: bounds, who decides, competitors and goals, from a JSON file."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli import output
from services.cli.pricing_calls import TARGET, Json, Target, call


def set_policy(
    file: Annotated[Path, typer.Argument(help="A PricingPolicy as protobuf's JSON.", exists=True)],
    by: Annotated[str, typer.Option("--by", help="Who sets it; stands in the record of acts.")],
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Set a policy of a market, a category or a product; it replaces the one of the same scope."""
    from aisle.pricing.v1 import pricing_pb2 as pb
    from google.protobuf.json_format import MessageToDict, MessageToJson, Parse, ParseError

    try:
        policy = Parse(file.read_text(encoding="utf-8"), pb.PricingPolicy())
    except (ParseError, UnicodeDecodeError) as error:
        output.fail(f"{file}: {error}")
        raise typer.Exit(1) from None
    answer = call(pricing, "SetPricingPolicy", pb.SetPricingPolicyRequest(policy=policy, actor=by)).policy
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: [MessageToJson(answer, preserving_proto_field_name=True)], as_json=as_json)
