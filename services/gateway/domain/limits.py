"""Every limit of the gateway's requests, as the protos state them. Sizes are bytes of UTF-8."""

KIB = 1024
MIB = 1024 * KIB

ITEMS = 1_000  # products, ids, events or cart lines in one call
ID = 128
TITLE = 1_000
DESCRIPTION = 16 * KIB
CATEGORIES = 20
ATTRIBUTES = 100
IMAGES = 20
PRODUCT = 512 * KIB
QUERY = 1_000
PRODUCT_DETAILS = 1_000
EVENT = 256 * KIB
EVENT_AHEAD = 300.0  # seconds that a sender's clock may be ahead of the gateway's
FACET_KEYS = 10
IMAGE = 10 * MIB
CART_QUANTITY = 10_000
SECTION_SIZE, SEARCH_SIZE, COMPLETIONS = 12, 24, 8  # when the request says 0
MOST_ITEMS, MOST_COMPLETIONS = 100, 50  # more is coerced
INT64_MAX = 2**63 - 1
