"""A fixed answer of the gateway, as data, as tables, and as what is missing in it."""

import io

import pytest
import typer
from aisle.gateway.v1 import storefront_service_pb2 as pb
from rich.console import Console

from services.cli import page, pages, render


def usd(micros: int) -> dict[str, object]:
    return {"currency_code": "USD", "amount_micros": micros}


def answer() -> pb.SearchProductsResponse:
    item = pb.Item(
        position=1,
        product={"id": "m", "title": "Milk [2%], 1 gal", "brand": "Green Hill"},
        price=pb.Price(
            price=usd(2_990_000),
            list_price=usd(3_990_000),
            lowest_price_30_days=usd(3_990_000),
            discount_percent=25,
            status=pb.SECTION_STATUS_OK,
        ),
        reason="Matches milk",
        variant_count=2,
        variant_product_ids=["n", "o"],
    )
    section = pb.Section(
        id="results", title="Results", status=pb.SECTION_STATUS_OK, served_by="search hybrid", items=[item]
    )
    section.latency.FromMilliseconds(12)
    return pb.SearchProductsResponse(
        page=pb.Page(sections=[section], attribution_token="t"),
        total_size=1234,
        facets=[pb.Facet(key="brand", values=[pb.FacetValue(value="Green Hill", count=7)])],
    )


def drawn(told: dict[str, object]) -> str:
    console = Console(file=io.StringIO(), width=120)
    for table in render.page(told, "a heading"):
        console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_page_as_data() -> None:
    told = pages.told("search", answer())
    assert told["sections"][0]["items"][0]["price"]["text"] == "$2.99"
    assert told["sections"][0]["latency_ms"] == 12
    assert told["facets"] == {"brand": {"Green Hill": 7}}
    assert told["sections"][0]["items"][0]["variant_product_ids"] == ["n", "o"]
    assert pages.missing(told) == []


def test_a_page_as_a_table() -> None:
    text = drawn(pages.told("search", answer()))
    for part in (
        "a heading",
        "Results",
        "OK",
        "search hybrid",
        "12 ms",
        "Milk [2%], 1 gal",
        "Matches milk",
        "2 more variants",
    ):
        assert part in text
    assert "$2.99 was $3.99 -25%" in text
    assert "1,234 products match" in text
    assert "Green Hill (7)" in text


def test_a_correction_and_what_fewer_conditions_would_find_are_told() -> None:
    empty = pb.SearchProductsResponse(
        corrected_query="oat milk", lifted_conditions=["in_stock_only", "brands"], wider_total_size=1_200
    )
    text = drawn(pages.told("search", empty))
    assert "Searched for “oat milk”" in text
    assert "1,200 products match without: in stock only, brands" in text


def test_what_search_understood_is_told_and_what_matched_is_marked() -> None:
    page = answer()
    meant = page.understanding
    meant.max_price.currency_code, meant.max_price.amount_micros = "USD", 5_000_000
    meant.excluded_words.append("sugar")
    meant.brands.append("Green Hill")
    page.redirect_uri = "/milk"
    page.page.sections[0].items[0].title_words.append("Milk")
    page.page.sections[0].items[0].score_parts["meaning"] = 4.5
    told = pages.told("search", page)
    assert told["understanding"]["brands"] == ["Green Hill"]
    assert told["sections"][0]["items"][0]["title_words"] == ["Milk"]
    text = drawn(told)
    for part in (
        "Without: sugar",
        "Names: Green Hill",
        "Price: up to $5.00",
        "sends you to /milk",
        "meaning 4.50",
    ):
        assert part in text


def test_what_is_missing_is_told() -> None:
    whole = answer()
    whole.page.sections[0].status = pb.SECTION_STATUS_FALLBACK
    assert pages.missing(pages.told("search", whole)) == ["results is FALLBACK"]
    bare = answer()
    bare.page.sections[0].items[0].ClearField("price")
    bare.page.sections[0].items[0].reason = ""
    assert pages.missing(pages.told("search", bare)) == ["m in results has no price, reason"]
    empty = answer()
    del empty.page.sections[0].items[:]
    assert pages.missing(pages.told("search", empty)) == ["results is empty"]
    assert pages.missing(pages.told("home", pb.GetHomePageResponse())) == ["no section"]


def test_a_picture_and_completions() -> None:
    seen = pb.SearchByImageResponse(labels=[pb.Label(name="daisy", confidence=0.91)])
    assert "daisy 91%" in drawn(pages.told("image", seen))
    offered = pb.CompleteQueryResponse(suggestions=["milk", "milk chocolate"], status=pb.SECTION_STATUS_OK)
    assert "milk, milk chocolate" in drawn(pages.told("complete", offered))


def test_a_cart_is_read_from_words() -> None:
    assert page.about("cart", ["milk", "eggs=2", "a=b=3"]) == {
        "lines": [("milk", 1), ("eggs", 2), ("a=b", 3)]
    }
    with pytest.raises(typer.BadParameter):
        page.about("cart", ["milk=two"])
    with pytest.raises(typer.BadParameter):
        page.about("product", [])


@pytest.mark.parametrize("name", pages.PAGES)
def test_every_page_has_a_request(name: str) -> None:
    asked = pages.Asked(user="u", query="q", product="p", lines=[("p", 2)], image=b"i", page_size=3)
    _, build = pages.PAGES[name]
    assert build(asked).ByteSize() > 0


def test_a_box_of_a_picture_is_read_and_passed_on() -> None:
    asked = pages.Asked(image=b"x", box=page.part("0.1,0.2,.5,1"))
    request = pages.PAGES["image"][1](asked)
    assert (request.box.left, request.box.top, request.box.right, request.box.bottom) == (0.1, 0.2, 0.5, 1)
    assert not pages.PAGES["image"][1](pages.Asked(image=b"x", box=page.part(""))).HasField("box")
    with pytest.raises(typer.BadParameter, match="LEFT,TOP,RIGHT,BOTTOM"):
        page.part("0.1,0.2")
