"""What became of searches: clicks, queries typed anew, queries alike; and the report over the log."""

from aisle.events.v1 import event_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.log import EVENTS, Entry
from services.kit.memory_log import MemoryLog
from services.kit.progress import silent
from services.search.control_wire import control_of
from services.search.domain.controls import Synonyms
from services.search.domain.journeys import AGAIN_SECONDS, CLICK_SECONDS, Anew, Figures, Journeys
from services.search.report import MINED, mined, report


def test_a_click_belongs_to_the_last_search_for_a_while() -> None:
    journeys = Journeys()
    for shopper, late in (("a", 1.0), ("b", CLICK_SECONDS + 1)):
        journeys.searched(shopper, "Tea", 0)
        journeys.clicked(shopper, "green", late)
        journeys.clicked(shopper, "black", late)
    assert journeys.queries() == [Figures("tea", searches=2, shoppers=2, clicked=1)]
    assert journeys.queries()[0].click_rate == 0.5


def test_what_one_person_typed_or_what_names_a_person_is_not_told() -> None:
    journeys = Journeys()
    for _ in range(9):
        journeys.searched("a", "tea", 0)
    for shopper in "abc":
        journeys.searched(shopper, "me@example.com", 0)
    assert journeys.queries() == []


def test_a_query_typed_anew_may_be_a_synonym() -> None:
    journeys = Journeys()
    for shopper in "abc":
        journeys.searched(shopper, "telly", 0)
        journeys.searched(shopper, "tv", 10)
        journeys.clicked(shopper, "screen", 20)
    for shopper, first in (("d", 0.0), ("e", 0.0)):
        journeys.searched(shopper, "lamp", first)
        journeys.searched(shopper, "tv", first + AGAIN_SECONDS + 1)
        journeys.clicked(shopper, "screen", first + AGAIN_SECONDS + 2)
    for shopper in "fg":
        journeys.searched(shopper, "radio", 0)
        journeys.clicked(shopper, "fm", 1)
        journeys.searched(shopper, "tv", 10)
        journeys.clicked(shopper, "screen", 11)
    assert journeys.anew() == [Anew("telly", "tv", 3)]


def anew(number: int, query: str, instead: str) -> list[Entry]:
    """A shopper of that number who types one, then the other, and clicks."""
    at, who = number * 1_000, f"{query}{number}"
    return [
        event(at, who, query),
        event(at + 10, who, instead),
        event(at + 20, who, product="x"),
    ]


async def test_what_enough_shoppers_typed_instead_becomes_a_synonym_one_way() -> None:
    log = MemoryLog()
    await log.append([entry for number in range(5) for entry in anew(number, "telly", "tv")])
    await log.append([entry for number in range(10, 13) for entry in anew(number, "couch", "sofa")])
    [found] = await mined(log, 5, progress=silent)
    assert (list(found.synonyms.terms), found.synonyms.one_way) == (["telly", "tv"], True)
    assert found.control_id.startswith(MINED)
    assert isinstance(control_of(found), Synonyms)
    assert len(await mined(log, 3, progress=silent)) == 2
    await log.append([event(50_000 + number, f"w{number}", "telly") for number in range(21)])
    assert await mined(log, 5, progress=silent) == []  # most who type "telly" mean it


def test_queries_with_the_same_clicks_are_similar() -> None:
    journeys = Journeys()
    for number, (query, product) in enumerate(
        [("tv", "a"), ("tv", "b"), ("television", "a"), ("television", "b"), ("lamp", "c"), ("lamp", "c")]
    ):
        journeys.searched(str(number), query, 0)
        journeys.clicked(str(number), product, 1)
    found = journeys.similar()
    assert [name for name, _ in found["tv"]] == ["television"]
    assert "lamp" not in found


def event(number: int, shopper: str, query: str = "", product: str = "") -> Entry:
    made = event_pb2.Event(
        message_id=str(number),
        type=event_pb2.EVENT_TYPE_PRODUCT_CLICKED if product else event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED,
        event_time=Timestamp(seconds=number),
        visitor_id=shopper,
        search_query=query,
        product_details=[event_pb2.ProductDetail(product_id=product)] if product else [],
    )
    return Entry(EVENTS, made.message_id, made.SerializeToString())


async def test_the_report_reads_the_log_to_its_end() -> None:
    log = MemoryLog()
    await log.append(
        [
            *(event(number, shopper, "kefir") for number, shopper in enumerate("abc")),
            *(event(10 + number, shopper, "milk") for number, shopper in enumerate("ab")),
            event(20, "a", product="milk-1"),
            event(21, "b", product="milk-1"),
        ]
    )

    async def found(query: str) -> int:
        return {"milk": 7}.get(query, 0)

    told = await report(log, found, progress=silent)
    assert [row["query"] for row in told["top"]] == ["kefir", "milk"]
    assert [row["query"] for row in told["no_click"]] == ["kefir"]
    assert [row["query"] for row in told["no_result"]] == ["kefir"]
    assert told["synonyms"] == [{"query": "kefir", "instead": "milk", "shoppers": 2}]
    limited = await report(log, found, progress=silent, limit=1)
    assert [row["query"] for row in limited["top"]] == ["kefir"]
