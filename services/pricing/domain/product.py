"""What pricing knows of a product: what the catalogue says, and what orders were seen to pay."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Basis(IntEnum):
    """What a price stands on, numbered as in the proto; NONE for a product without a price."""

    NONE = 0
    LIST = 1
    OBSERVED = 2
    APPROVED = 3


class Money(NamedTuple):
    """An amount in micros and its currency."""

    currency: str
    micros: int


@dataclass(frozen=True, slots=True)
class Product:
    """The catalogue's word on a product; `deleted` once it is gone from there.

    `size` is the pack's as printed, `primary_id` the product that this one is a variant of ("" for none),
    `stock` the pieces there are, None where the shop does not count them; `available` is False for what the
    catalogue says cannot be bought now.
    """

    price: Money | None = None
    cost: Money | None = None
    categories: tuple[str, ...] = ()
    deleted: bool = False
    brand: str = ""
    size: str = ""
    primary_id: str = ""
    stock: int | None = None
    available: bool = True

    @property
    def for_sale(self) -> bool:
        """Whether it can be bought now."""
        return not self.deleted and self.available and self.stock != 0


class Observed(NamedTuple):
    """The latest unit price seen in an order: the latest event time, and of one time the last in the log."""

    money: Money
    time: int
    sequence: int


class Facts(NamedTuple):
    """All that is known of a product; `product` is None while the catalogue has not told of it."""

    product: Product | None = None
    observed: Observed | None = None

    @property
    def listed(self) -> bool:
        """Whether it is in the catalogue: others are not quoted."""
        return self.product is not None and not self.product.deleted

    @property
    def deleted(self) -> bool:
        """Whether it was in the catalogue and is gone: its ledger stands still."""
        return self.product is not None and self.product.deleted

    @property
    def categories(self) -> tuple[str, ...]:
        """The catalogue's categories."""
        return self.product.categories if self.product else ()

    def basis(self) -> tuple[Basis, Money]:
        """The list price, else the latest observed price, else nothing."""
        if self.product and self.product.price:
            return Basis.LIST, self.product.price
        if self.observed:
            return Basis.OBSERVED, self.observed.money
        return Basis.NONE, Money("", 0)

    @property
    def list_price(self) -> int | None:
        """The catalogue's price in micros, where it tells one."""
        return self.product.price.micros if self.product and self.product.price else None

    def cost_in(self, currency: str) -> int | None:
        """The cost, when it is known in this currency."""
        cost = self.product.cost if self.product else None
        return cost.micros if cost and cost.currency == currency else None
