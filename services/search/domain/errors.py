"""Why search refuses a request.

SearchError
├── InvalidValue
├── TooLarge
├── TooManyItems
├── MixedCurrencies
└── InvalidPageToken
"""

from typing import ClassVar


class SearchError(Exception):
    """Base of all; `reason` is a published ErrorReason without its prefix, `field` the request's field."""

    reason: ClassVar[str]

    def __init__(self, message: str, field: str) -> None:
        """`message` is shown to the caller: it says what would be right."""
        super().__init__(message)
        self.field = field


class InvalidValue(SearchError):  # noqa: N818
    """A field's value is not allowed."""

    reason = "INVALID_VALUE"


class TooLarge(SearchError):  # noqa: N818
    """A text is larger than its limit."""

    reason = "TOO_LARGE"


class TooManyItems(SearchError):  # noqa: N818
    """A list has more items than its limit."""

    reason = "TOO_MANY_ITEMS"


class MixedCurrencies(SearchError):  # noqa: N818
    """The price range has two currencies."""

    reason = "MIXED_CURRENCIES"


class InvalidPageToken(SearchError):  # noqa: N818
    """The page token is not one of ours, or was made for another request."""

    reason = "INVALID_PAGE_TOKEN"
