"""Asks Aisle for a shopper's home page, and tells it what the shopper did there.

Run it while `make up` runs: `.venv/bin/python examples/client.py ann`
"""

import asyncio
import sys
import uuid

import grpc
from aisle.events.v1 import event_pb2
from aisle.gateway.v1 import event_service_pb2, storefront_service_pb2
from aisle.gateway.v1.event_service_pb2_grpc import EventServiceStub
from aisle.gateway.v1.storefront_service_pb2_grpc import StorefrontServiceStub


async def main(user: str, gateway: str = "127.0.0.1:50050") -> None:
    """Shows the home page, then clicks its first product."""
    async with grpc.aio.insecure_channel(gateway) as channel:
        shopper = storefront_service_pb2.Shopper(user_id=user)
        request = storefront_service_pb2.GetHomePageRequest(shopper=shopper, page_size=5)
        page = (await StorefrontServiceStub(channel).GetHomePage(request, timeout=2)).page
        for section in page.sections:
            print(f"{section.title} ({storefront_service_pb2.SectionStatus.Name(section.status)})")
            for item in section.items:
                cost = item.price.price
                money = f"{cost.amount_micros / 1e6:.2f} {cost.currency_code}"
                print(f"  {item.position}. {item.product.title}, {money}: {item.reason}")

        shown = [item for section in page.sections for item in section.items]
        if not shown:
            return
        clicked = event_pb2.Event(
            message_id=str(uuid.uuid4()),  # send the same one again when you are not sure: it counts once
            type=event_pb2.EVENT_TYPE_PRODUCT_CLICKED,
            user_id=user,
            attribution_token=page.attribution_token,
            product_details=[
                event_pb2.ProductDetail(product_id=shown[0].product.id, position=shown[0].position)
            ],
        )
        clicked.event_time.GetCurrentTime()
        events = event_service_pb2.WriteEventsRequest(events=[clicked])
        answer = await EventServiceStub(channel).WriteEvents(events, timeout=2)
        print(f"{answer.written_count} event written")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
