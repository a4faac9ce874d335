"""What queries are taken to mean: prices, negations, sizes, names, numbers, spelling."""

from pathlib import Path

import pytest

from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.answer import Page
from services.search.domain.query.chinese import with_english
from services.search.domain.query.language import language
from services.search.domain.query.negation import take_negations
from services.search.domain.query.prices import take_price
from services.search.domain.query.understanding import Intent, understand
from services.search.domain.query.units import SIZE, size
from services.search.domain.request import Filter, Request
from services.search.domain.search import Searcher
from tests.search.shop import SHOP, delete, product, shop_database, upsert


def ids(page: Page) -> list[str]:
    return [result.product_id for result in page.results]


@pytest.mark.parametrize(
    ("typed", "rest", "bounds"),
    [
        ("milk under 20", "milk", (None, 20, "")),
        ("laptop below $500", "laptop", (None, 500, "$")),
        ("shirt between 5 and 10 dollars", "shirt", (5, 10, "$")),
        ("wine $5-$10", "wine", (5, 10, "$")),
        ("wine 10 to 5 euros", "wine", (5, 10, "EUR")),
        ("lamp over 5 under 20.50", "lamp", (5, 20.5, "")),
        ("laptop below 500 usd", "laptop", (None, 500, "USD")),
        ("牛奶20元以下", "牛奶", (None, 20, "元")),
        ("under 20", "", (None, 20, "")),
    ],
)
def test_a_price_phrase_becomes_bounds(
    typed: str, rest: str, bounds: tuple[float | None, float | None, str]
) -> None:
    text, price = take_price(typed)
    assert price is not None
    low, high, currency = bounds
    expected = (low and low * 1_000_000, high and high * 1_000_000, currency)
    assert (text, price) == (rest, expected)


@pytest.mark.parametrize(
    ("typed", "shop", "currency"),
    [
        ("under $5", "CAD", "CAD"),
        ("under $5", "USD", "USD"),
        ("under $5", "EUR", "USD"),
        ("under $5", "", "USD"),
        ("under ¥500", "JPY", "JPY"),
        ("20元以下", "USD", "USD"),
        ("20元以下", "GBP", "CNY"),
        ("20美元以下", "CNY", "USD"),
        ("under 5", "CAD", ""),
    ],
)
def test_a_sign_of_several_currencies_is_the_shops_own(typed: str, shop: str, currency: str) -> None:
    _, price = take_price(typed)
    assert price is not None
    assert price.meant(shop).currency == currency


@pytest.mark.parametrize(
    "typed",
    [
        "windows 10",
        "rtx 2060",
        "tv under 55 inches",
        "cable less than 2m",
        "card at least 8gb",
        "2 for 1",
        "usb 3.0",
    ],
)
def test_other_numbers_are_no_price(typed: str) -> None:
    assert take_price(typed) == (typed, None)


@pytest.mark.parametrize(
    ("typed", "rest", "without"),
    [
        ("milk without sugar", "milk", ("sugar",)),
        ("cola no added sugar", "cola", ("sugar",)),
        ("cola no sugar", "cola", ("sugar",)),
        ("cola -sugar", "cola", ("sugar",)),
        ("chocolate without palm oil or nuts", "chocolate", ("palm oil", "nuts")),
        ("bread without gluten for kids", "bread for kids", ("gluten",)),
        ("不含糖的牛奶", "牛奶", ("糖",)),
        ("no sugar", "no sugar", ()),
        ("sugar-free cola", "sugar-free cola", ()),
        ("chanel no 5", "chanel no 5", ()),
    ],
)
def test_a_negation_leaves_the_query(typed: str, rest: str, without: tuple[str, ...]) -> None:
    assert take_negations(typed) == (rest, without)


@pytest.mark.parametrize(
    ("typed", "also"),
    [
        ("64 gb card", "64gb"),
        ("64GB card", "64 gb"),
        ("2l milk", "2000ml"),
        ("1500 g", "1500 gram"),
        ("2000g flour", "2 kg"),
        ('17" notebook', "17 inch"),
        ("2升牛奶", "2l"),
    ],
)
def test_a_size_has_many_spellings(typed: str, also: str) -> None:
    found = SIZE.search(typed)
    assert found
    assert also in size(found)


@pytest.mark.parametrize("typed", ["10 in stock", "ps4 pro", "lg 27gl850"])
def test_not_every_number_has_a_unit(typed: str) -> None:
    assert SIZE.search(typed) is None


def test_a_language_is_told_by_its_script() -> None:
    queries = ("oat milk", "牛奶 milk", "ミルク 牛乳", "우유", "12")
    assert [language(query) for query in queries] == ["en", "zh", "ja", "ko", "und"]


@pytest.mark.parametrize(
    ("typed", "intent", "named"),
    [
        ("acme", Intent.BRAND, ["ACME"]),
        ("toy", Intent.CATEGORY, ["Toys"]),
        ("acme tea", Intent.PRODUCTS, ["ACME", "Tea"]),
        ("MILK-2", Intent.PRODUCT_NUMBER, []),
        ("which tea is best", Intent.QUESTION, ["Tea"]),
    ],
)
def test_names_and_intents_are_told(
    database: SearchDatabase, typed: str, intent: Intent, named: list[str]
) -> None:
    query = understand(typed, SqliteLexicon(database))
    assert (query.intent, [name.text for name in query.named]) == (intent, named)


@pytest.mark.parametrize(
    ("typed", "corrected", "first"),
    [
        ("oat mlik", "oat milk", "milk-2"),
        ("chcolate", "chocolate", "choc-1"),
        ("gren tea", "green tea", "tea-1"),
        ("green te", "green tea", "tea-1"),
        ("blacktea", "black tea", "tea-2"),
        ("choco late dark", "chocolate dark", "choc-2"),
        ("woden trian", "wooden train", "toy-1"),
    ],
)
def test_a_slip_is_corrected_and_told(lexical: Searcher, typed: str, corrected: str, first: str) -> None:
    page = lexical.search(Request(typed))
    assert (page.query.text, ids(page)[0]) == (corrected, first)
    assert page.query.corrections
    undone = lexical.search(Request(typed, exact=True))
    assert undone.query.corrections == ()
    assert undone.query.text == typed


@pytest.mark.parametrize("typed", ["oat milk", "choco", "gucci handbag", "toy 12", "tee"])
def test_what_finds_something_or_is_near_to_nothing_stays(lexical: Searcher, typed: str) -> None:
    query = lexical.search(Request(typed)).query
    known = {"tee": "tea"}
    assert query.text == known.get(typed, typed)


def test_a_price_in_the_query_filters_unless_the_request_does(lexical: Searcher) -> None:
    assert ids(lexical.search(Request("milk under 4"))) == ["milk-1", "choc-1"]
    chosen = Filter(currency="USD", minimum=4_500_000)
    assert ids(lexical.search(Request("milk under 4", filter=chosen))) == ["milk-2", "milk-3"]
    assert ids(lexical.search(Request("under 2"))) == ["choc-1", "choc-2", "tea-1"]


def test_what_is_left_out_does_not_show(hybrid: Searcher) -> None:
    assert ids(hybrid.search(Request("milk without oat"))) == ["milk-1", "choc-1", "toy-2"]


def test_what_says_that_it_is_without_is_not_left_out(tmp_path: Path) -> None:
    milks = [product("a", "Milk with sugar"), product("b", "Sugar-free Milk"), product("c", "Milk, no sugar")]
    with shop_database(tmp_path, [upsert(milk) for milk in milks]) as database:
        searcher = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))
        assert set(ids(searcher.search(Request("milk without sugar")))) == {"b", "c"}


def test_the_vocabulary_forgets_with_the_products(database: SearchDatabase, tmp_path: Path) -> None:
    lexicon = SqliteLexicon(database)
    assert [like.word for like in lexicon.spelled_like("woden")] == ["wooden"]
    assert lexicon.numbered("toy-1") == ["toy-1"]
    with shop_database(
        tmp_path / "emptied", [*map(upsert, SHOP), *(delete(item.id) for item in SHOP)]
    ) as emptied:
        assert SqliteLexicon(emptied).spelled_like("woden") == []
        assert SqliteLexicon(emptied).numbered("toy-1") == []


@pytest.mark.parametrize(
    ("typed", "english"),
    [
        ("蓝牙耳机", "bluetooth headphones"),
        ("无线耳机", "wireless headphones"),
        ("便宜的U盘", "cheap usb stick"),
        ("USB集线器 4口", "usb hub 4 口"),
        ("木制玩具车", "wooden toy car"),
    ],
)
def test_chinese_is_cut_and_put_into_english(typed: str, english: str) -> None:
    asked, meaning = with_english(typed)
    assert meaning.replace("4口", "4 口") == english
    assert all(len(word) > 1 for word in asked if "口" not in word[0] and not word[0].isascii())


def test_chinese_finds_english_and_the_other_way(tmp_path: Path) -> None:
    shop = [product("en", "Green Tea"), product("zh", "龙井绿茶 500克"), product("other", "Milk")]
    with shop_database(tmp_path, [upsert(item) for item in shop]) as database:
        searcher = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))
        for query in ("绿茶", "green tea", "tea"):
            assert set(ids(searcher.search(Request(query)))) == {"en", "zh"}
        page = searcher.search(Request("绿茶"))
        assert (page.query.language, page.query.words) == ("zh", (("绿 茶", "green"), ("绿 茶", "tea")))
        assert ids(searcher.search(Request("绿茶", exact=True))) == ["zh"]


def test_english_needs_no_chinese_where_no_product_has_it(tmp_path: Path) -> None:
    with shop_database(tmp_path, [upsert(product("en", "Green Tea"))]) as database:
        searcher = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))
        assert searcher.search(Request("tea")).query.words == (("tea",),)
