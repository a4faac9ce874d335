"""Why pricing refuses a request. `reason` is the published ErrorReason, `field` the request's field at fault.

PricingError
├── InvalidValue        INVALID_VALUE
├── TooManyItems        TOO_MANY_ITEMS
├── MixedCurrencies     MIXED_CURRENCIES
├── InvalidPageToken    INVALID_PAGE_TOKEN
├── ProductNotFound     PRODUCT_NOT_FOUND
├── PriceNotFound       PRICE_NOT_FOUND
├── ProposalNotFound    PROPOSAL_NOT_FOUND
├── ProposalDecided     PROPOSAL_DECIDED
├── ProposalExpired     PROPOSAL_EXPIRED
├── ProposalStale       PROPOSAL_STALE
├── ExperimentNotFound  EXPERIMENT_NOT_FOUND
├── ExperimentOver      EXPERIMENT_OVER
└── ExperimentStale     EXPERIMENT_STALE
"""


class PricingError(Exception):
    """Base of all refusals."""

    reason = ""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidValue(PricingError):  # noqa: N818 - named by its reason
    """A field's value is not allowed."""

    reason = "INVALID_VALUE"


class TooManyItems(PricingError):  # noqa: N818
    """A list has more items than its limit."""

    reason = "TOO_MANY_ITEMS"


class MixedCurrencies(PricingError):  # noqa: N818
    """Money of two currencies stands where one is needed."""

    reason = "MIXED_CURRENCIES"


class InvalidPageToken(PricingError):  # noqa: N818
    """The page token was not made by this service, or belongs to another request."""

    reason = "INVALID_PAGE_TOKEN"


class ProductNotFound(PricingError):  # noqa: N818
    """No product has this id."""

    reason = "PRODUCT_NOT_FOUND"


class PriceNotFound(PricingError):  # noqa: N818
    """The product has neither a list price nor an observed one."""

    reason = "PRICE_NOT_FOUND"


class ProposalNotFound(PricingError):  # noqa: N818
    """No proposal has this id."""

    reason = "PROPOSAL_NOT_FOUND"


class ProposalDecided(PricingError):  # noqa: N818
    """The proposal was applied or rejected before."""

    reason = "PROPOSAL_DECIDED"


class ProposalExpired(PricingError):  # noqa: N818
    """The proposal was not decided in its time."""

    reason = "PROPOSAL_EXPIRED"


class ProposalStale(PricingError):  # noqa: N818
    """What the proposal stood on has changed since."""

    reason = "PROPOSAL_STALE"


class ExperimentNotFound(PricingError):  # noqa: N818
    """No experiment has this id."""

    reason = "EXPERIMENT_NOT_FOUND"


class ExperimentOver(PricingError):  # noqa: N818
    """The experiment has ended or was stopped."""

    reason = "EXPERIMENT_OVER"


class ExperimentStale(PricingError):  # noqa: N818
    """What the experiment's prices stood on has changed since it was asked for."""

    reason = "EXPERIMENT_STALE"
