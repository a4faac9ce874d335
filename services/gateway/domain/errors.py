"""Everything that the gateway's domain raises.

Exception
├── Refused                the caller's fault, or a service's refusal handed on; has a published reason
└── BackendError           a service behind the gateway gave no answer; costs a section, never the page
    ├── BackendUnavailable it does not answer, or its circuit is open
    └── BackendTimedOut    it did not answer in time
"""


class Refused(Exception):  # noqa: N818 - named as what happened, like its reasons
    """A request, or one item of it, is refused; `reason` is an ErrorReason's name, `field` what is wrong."""

    def __init__(self, reason: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field


class BackendError(Exception):
    """A service behind the gateway gave no answer."""


class BackendUnavailable(BackendError):  # noqa: N818
    """It does not answer, answered with an error of its own, or its circuit is open."""


class BackendTimedOut(BackendError):  # noqa: N818
    """It did not answer within the time it was given."""
