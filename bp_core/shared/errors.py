"""What can go wrong, in the portal's own terms. Nothing here knows HTTP: the edge gives the status."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field of what was sent."""

    field: str
    message: str


class PortalError(Exception):
    """A refusal that the caller is told about: a stable code, a message for people, the fields concerned."""

    default_code: ClassVar[str] = "INTERNAL"

    def __init__(
        self, message: str, *, code: str | None = None, details: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.details = details


class BadRequest(PortalError):
    """What was sent cannot be read at all."""

    default_code = "BAD_REQUEST"


class Unauthenticated(PortalError):
    """Nobody is signed in, or no longer."""

    default_code = "UNAUTHENTICATED"


class Forbidden(PortalError):
    """The caller is known and may not do this."""

    default_code = "FORBIDDEN"


class NotFound(PortalError):
    """There is no such thing, or not for this caller."""

    default_code = "NOT_FOUND"


class Conflict(PortalError):
    """The thing is not in a state in which this can be done."""

    default_code = "CONFLICT"


class PreconditionFailed(PortalError):
    """The thing was changed since the caller read it."""

    default_code = "PRECONDITION_FAILED"


class TooLarge(PortalError):
    """More bytes than are taken."""

    default_code = "PAYLOAD_TOO_LARGE"


class UnsupportedMedia(PortalError):
    """Bytes of a kind that is not taken."""

    default_code = "UNSUPPORTED_MEDIA_TYPE"


class Invalid(PortalError):
    """What was sent can be read, and breaks a rule."""

    default_code = "VALIDATION_ERROR"

    @classmethod
    def of(cls, field: str, message: str) -> "Invalid":
        """Build the error for a single field."""
        return cls(message, details=(FieldError(field, message),))


class RateLimited(PortalError):
    """The caller comes too often; `retry_after` tells how long to wait."""

    default_code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(PortalError):
    """The database or the storage does not answer now; the same call may pass later."""

    default_code = "UNAVAILABLE"
