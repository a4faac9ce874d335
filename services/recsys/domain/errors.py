"""What the domain refuses. `reason` is the published reason's name, `field` the request's field at fault."""


class RequestError(Exception):
    """A request that cannot be answered as it is."""

    reason = "INVALID_VALUE"

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class MissingError(RequestError):
    """A required field is empty."""

    reason = "REQUIRED"


class TooManyError(RequestError):
    """A list is longer than its limit."""

    reason = "TOO_MANY_ITEMS"


class CurrencyError(RequestError):
    """Two currencies stand where one is needed."""

    reason = "MIXED_CURRENCIES"
