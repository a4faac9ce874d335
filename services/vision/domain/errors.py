"""What this service refuses besides pictures; `reason` names the published ErrorReason.

RequestError
├── InvalidValue
├── TooManyItems
└── MixedCurrencies
"""


class RequestError(Exception):
    """A request that is refused; `field` is the one at fault."""

    reason = "INVALID_VALUE"

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class InvalidValue(RequestError):  # noqa: N818
    """A value that is not allowed."""


class TooManyItems(RequestError):  # noqa: N818
    """A list past its limit."""

    reason = "TOO_MANY_ITEMS"


class MixedCurrencies(RequestError):  # noqa: N818
    """The two ends of a price range are in two currencies."""

    reason = "MIXED_CURRENCIES"
