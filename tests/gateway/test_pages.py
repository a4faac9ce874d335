"""The six pages on real channels, with all well behind the gateway."""

import asyncio

import grpc
import pytest
from aisle.gateway.v1 import catalog_service_pb2, storefront_service_pb2

from services.gateway.adapters.memory import NOT_A_PICTURE
from services.gateway.domain.attribution import parse
from services.kit import names, telemetry
from services.kit.errors import field_of, reason_of
from services.kit.testing import wait_until
from tests.gateway.backends import town
from tests.gateway.shop import gateway, small_shop

pb = storefront_service_pb2
ANN = pb.Shopper(user_id="ann")


@pytest.fixture
async def street(tmp_path):
    """(gateway, town) with a filled shop."""
    async with town(small_shop()) as here, gateway(tmp_path, town=here) as door:
        await door.fill()
        yield door, here


def ids(section) -> list[str]:
    return [item.product.id for item in section.items]


async def test_home_page_shows_no_product_twice_and_prices_all_with_one_call(street):
    door, here = street
    answer = await door.pages.GetHomePage(pb.GetHomePageRequest(shopper=ANN, page_size=5), timeout=5)
    picked, again, popular, new = answer.page.sections
    assert [one.id for one in answer.page.sections] == ["picked-for-you", "buy-again", "popular", "new"]
    assert ids(again) == ["p00", "p01"]
    assert ids(picked) == ["p02", "p03", "p04", "p05", "p06"]
    assert ids(popular) == ["p07", "p08", "p09", "p10", "p11"]
    assert ids(new)[0] == "p59"
    assert len(ids(new)) == 5
    assert {section.status for section in answer.page.sections} == {pb.SECTION_STATUS_OK}
    assert here.troubles["pricing"].calls == ["QuotePrices"]
    item = picked.items[0]
    assert (item.position, item.price.price.amount_micros, item.price.status) == (
        1,
        2_700_000,
        pb.SECTION_STATUS_OK,
    )
    assert not item.product.HasField("cost")
    assert [image.uri for image in item.product.images] == ["https://shop/p.jpg"]
    assert parse(answer.page.attribution_token).page == "home"
    assert len(answer.page.attribution_token) <= 200


async def test_each_section_is_measured(street):
    door, _ = street
    told = []
    with telemetry.listening(told.append):
        await door.pages.GetHomePage(pb.GetHomePageRequest(shopper=ANN), timeout=5)
    sections = [one for one in told if getattr(one, "metric", None) == names.SECTION]
    assert sorted(one.labels for one in sections) == [
        ("home", "buy-again", "OK"),
        ("home", "new", "OK"),
        ("home", "picked-for-you", "OK"),
        ("home", "popular", "OK"),
    ]
    assert all(one.value > 0 for one in sections)


async def test_what_was_asked_for_says_so(street):
    door, _ = street
    answer = await door.pages.GetProductPage(pb.GetProductPageRequest(shopper=ANN, product_id="p03"))
    assert [item.reason for item in answer.page.sections[0].items] == ["You are looking at it"]
    lines = [pb.CartLine(product_id="p03"), pb.CartLine(product_id="p04")]
    answer = await door.pages.GetCartPage(pb.GetCartPageRequest(shopper=ANN, lines=lines))
    assert [item.reason for item in answer.page.sections[0].items] == ["In your cart"] * 2


async def test_search_is_ranked_for_known_shoppers_and_pages_on(street):
    door, here = street
    request = pb.SearchProductsRequest(query="bread", page_size=3, shopper=ANN)
    answer = await door.pages.SearchProducts(request)
    assert ids(answer.page.sections[0]) == ["p01", "p04", "p07"]
    assert "ranked by recsys" in answer.page.sections[0].served_by
    assert answer.total_size == 20
    request.page_token = answer.next_page_token
    assert ids((await door.pages.SearchProducts(request)).page.sections[0]) == ["p10", "p13", "p16"]
    by_price = pb.SearchProductsRequest(query="bread", page_size=2, shopper=ANN, order_by="-price")
    assert ids((await door.pages.SearchProducts(by_price)).page.sections[0]) == ["p58", "p55"]
    assert here.troubles["recsys"].calls == ["RankProducts"] * 2


async def test_search_tells_what_it_understood_and_what_it_was_asked_to_tell(street):
    door, _ = street
    plain = await door.pages.SearchProducts(pb.SearchProductsRequest(query="bread", page_size=2))
    assert (plain.understanding.searched_query, plain.redirect_uri) == ("bread", "/bakery")
    first = plain.page.sections[0].items[0]
    assert not first.title_words
    assert not first.variant_count
    assert not first.score_parts
    told = await door.pages.SearchProducts(
        pb.SearchProductsRequest(
            query="bread",
            page_size=2,
            shopper=ANN,
            highlight=True,
            explain=True,
            exact=True,
            facet_keys=["brand"],
            facet_prefixes={"brand": "ac"},
            group_variants=True,
        )
    )
    first = told.page.sections[0].items[0]
    assert (first.variant_count, list(first.variant_product_ids)) == (2, ["a", "b"])
    assert (list(first.title_words), list(first.score_parts)) == (["bread"], ["words"])
    assert ([facet.key for facet in told.facets], told.redirect_uri) == (["brand"], "")


async def test_queries_are_offered_beside_the_first_page(street):
    door, here = street
    request = pb.SearchProductsRequest(query="milk", page_size=2)
    first = await door.pages.SearchProducts(request)
    assert list(first.related_queries) == ["milk 0", "milk 3", "milk 6", "milk 9", "milk 12"]
    request.page_token = first.next_page_token
    assert not (await door.pages.SearchProducts(request)).related_queries
    assert not (await door.pages.SearchProducts(pb.SearchProductsRequest())).related_queries
    assert here.troubles["search"].calls.count("SimilarQueries") == 1


async def test_product_page(street):
    door, _ = street
    request = pb.GetProductPageRequest(product_id="p03", page_size=4)
    page = (await door.pages.GetProductPage(request)).page
    assert [ids(section) for section in page.sections] == [
        ["p03"],
        ["p00", "p06", "p09", "p12"],
        ["p01", "p02", "p04", "p05"],
    ]


async def test_cart_page_sums_up_and_names_what_is_missing(street):
    door, _ = street
    lines = [
        pb.CartLine(product_id="p00", quantity=2),
        pb.CartLine(product_id="gone"),
        pb.CartLine(product_id="p01"),
    ]
    answer = await door.pages.GetCartPage(pb.GetCartPageRequest(shopper=ANN, lines=lines, page_size=2))
    assert [(item.product.id, item.quantity) for item in answer.page.sections[0].items] == [
        ("p00", 2),
        ("p01", 1),
    ]
    assert answer.total.amount_micros == 2 * 900_000 + 1_800_000
    assert list(answer.missing_product_ids) == ["gone"]
    assert ids(answer.page.sections[1]) == ["p02", "p03"]


async def test_a_photograph_becomes_a_search_when_no_product_has_a_picture(street):
    door, _ = street
    answer = await door.pages.SearchByImage(pb.SearchByImageRequest(image=b"jpeg", page_size=2))
    (section,) = answer.page.sections
    assert section.id == "looks-like"
    assert section.served_by == 'search by label "milk"'
    assert [(item.product.id, item.reason) for item in section.items] == [
        ("p00", "Looks like milk"),
        ("p03", "Looks like milk"),
    ]
    assert answer.labels[0].name == "milk"


async def test_completions_and_whole_products(street):
    door, _ = street
    answer = await door.pages.CompleteQuery(pb.CompleteQueryRequest(prefix="Apple 1", page_size=2))
    assert (list(answer.suggestions), answer.status) == (["apple 11", "apple 14"], pb.SECTION_STATUS_OK)
    own = await door.pages.CompleteQuery(pb.CompleteQueryRequest(shopper=ANN, page_size=1))
    assert list(own.suggestions) == ["bread 1"]
    request = catalog_service_pb2.GetProductsRequest(product_ids=["p05", "none", "p04"])
    found = await door.catalog.GetProducts(request)
    assert [one.id for one in found.products] == ["p05", "p04"]
    assert found.products[0].cost.amount_micros == 500_000
    assert list(found.missing_product_ids) == ["none"]


@pytest.mark.parametrize(
    ("method", "request_", "reason", "field"),
    [
        ("GetProductPage", pb.GetProductPageRequest(product_id="none"), "PRODUCT_NOT_FOUND", "product_id"),
        ("GetProductPage", pb.GetProductPageRequest(), "REQUIRED", "product_id"),
        ("GetProductPage", pb.GetProductPageRequest(product_id="x" * 10_000), "TOO_LARGE", "product_id"),
        ("SearchByImage", pb.SearchByImageRequest(image=NOT_A_PICTURE), "UNREADABLE_IMAGE", "image"),
        ("SearchByImage", pb.SearchByImageRequest(image=b"x", box=pb.Box(left=1)), "INVALID_VALUE", "box"),
        ("SearchProducts", pb.SearchProductsRequest(page_token="x"), "INVALID_PAGE_TOKEN", "page_token"),
        ("SearchProducts", pb.SearchProductsRequest(page_token="own.x"), "INVALID_PAGE_TOKEN", "page_token"),
        ("SearchProducts", pb.SearchProductsRequest(order_by="best"), "INVALID_VALUE", "order_by"),
        ("SearchProducts", pb.SearchProductsRequest(facet_keys=["hue"]), "INVALID_VALUE", "facet_keys[0]"),
        (
            "SearchProducts",
            pb.SearchProductsRequest(facet_keys=["brand"], facet_prefixes={"price": "1"}),
            "INVALID_VALUE",
            "facet_prefixes",
        ),
        ("GetCartPage", pb.GetCartPageRequest(lines=[pb.CartLine()] * 1001), "TOO_MANY_ITEMS", "lines"),
        (
            "GetCartPage",
            pb.GetCartPageRequest(lines=[pb.CartLine(product_id="p", quantity=-1)]),
            "INVALID_VALUE",
            "lines[0].quantity",
        ),
    ],
)
async def test_wrong_requests_are_refused_with_reason_and_field(street, method, request_, reason, field):
    door, _ = street
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(door.pages, method)(request_)
    assert (reason_of(caught.value), field_of(caught.value)) == (reason, field)


async def test_with_too_much_to_do_what_can_wait_is_refused_and_left_out(tmp_path):
    async with town(small_shop()) as here, gateway(tmp_path, town=here) as door:
        await door.fill()
        for trouble in here.troubles.values():
            trouble.kind = "slow"
        home = pb.GetHomePageRequest(shopper=ANN)
        waiting = [asyncio.ensure_future(door.pages.GetHomePage(home)) for _ in range(45)]

        async def full() -> bool:
            try:
                await door.pages.GetHomePage(home, metadata=(("sec-purpose", "prefetch"),), timeout=0.2)
            except grpc.aio.AioRpcError as error:
                return reason_of(error) == "OVERLOADED"
            return False

        await wait_until(full)
        # So many pages at once can make the event loop late, which lowers the limit: some may be refused too.
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert {reason_of(error) for error in refused} <= {"OVERLOADED"}
        pages = [answer.page for answer in answers if not isinstance(answer, BaseException)]
        assert pb.SECTION_STATUS_SHED in {page.sections[2].status for page in pages}
        cart = pb.GetCartPageRequest(lines=[pb.CartLine(product_id="p00")])
        assert (await door.pages.GetCartPage(cart)).page.sections[0].items


async def test_a_late_caller_gets_a_page_too(street):
    door, here = street
    for trouble in here.troubles.values():
        trouble.kind = "slow"
    answer = await door.pages.GetHomePage(pb.GetHomePageRequest(shopper=ANN), timeout=0.3)
    assert len(answer.page.sections) == 4
