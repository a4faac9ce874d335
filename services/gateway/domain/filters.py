"""Which cards a filter lets through, for what the gateway finds by itself."""

from services.gateway.domain.model import Card, Filter


def lets_through(wanted: Filter, card: Card) -> bool:
    """As the proto says: AND between fields, OR inside one; a price range needs a price of its currency."""
    if wanted.in_stock_only and not card.in_stock:
        return False
    if wanted.brands and card.brand.casefold() not in {brand.casefold() for brand in wanted.brands}:
        return False
    if wanted.categories and not any(
        path == category or path.startswith(category + " > ")
        for path in card.categories
        for category in wanted.categories
    ):
        return False
    return _in_range(wanted, card)


def _in_range(wanted: Filter, card: Card) -> bool:
    for bound in (wanted.min_price, wanted.max_price):
        if bound and (card.price is None or card.price.currency != bound.currency):
            return False
    if wanted.min_price and card.price and card.price.micros < wanted.min_price.micros:
        return False
    return not (wanted.max_price and card.price and card.price.micros > wanted.max_price.micros)
