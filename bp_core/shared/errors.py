"""Errors: one class per error code, with a description for the documentation.

A direct subclass of `PortalError` is a family; its subclasses are errors of the same family with their own
codes. This module does not know HTTP: `functions.edge.responses` maps each family to a status. To add an
error, add its class here; OpenAPI and docs/errors.md list `PortalError.catalogue`.
"""

from datetime import timedelta

from bp_core.shared.error_base import FieldError as FieldError  # noqa: PLC0414 - exported
from bp_core.shared.error_base import PortalError as PortalError  # noqa: PLC0414 - exported


class BadRequest(PortalError):
    """The request cannot be parsed."""

    code = "BAD_REQUEST"
    description = (
        "the body is not valid JSON, or a query value cannot be parsed; the URL is longer than 8 kB, or all"
        " headers together are longer than 32 kB"
    )


class Unauthenticated(PortalError):
    """The caller is not signed in, or no longer signed in."""

    code = "UNAUTHENTICATED"
    description = (
        "no token, or a token that is invalid, was changed, or is of the wrong kind; a token of another"
        " issuer whose e-mail is not verified or belongs to no active user"
    )


class InvalidCredentials(Unauthenticated):
    """E-mail or password is wrong."""

    code = "INVALID_CREDENTIALS"
    description = "e-mail or password is wrong, or the account is not active; the answer does not say which"


class TokenExpired(Unauthenticated):
    """The token has expired."""

    code = "TOKEN_EXPIRED"
    description = "the token has expired: refresh it, or sign in again"


class TokenRevoked(Unauthenticated):
    """The session of the token has ended."""

    code = "TOKEN_REVOKED"
    description = (
        "the session has ended: by logout, from the list of sessions, by a change of password, by a refresh"
        " token that was used twice, or because the user is no longer active"
    )


class Forbidden(PortalError):
    """The caller does not have the right to do this."""

    code = "FORBIDDEN"
    description = (
        "the caller does not have the right to do this: it needs another role, or the practice belongs to"
        " another plant"
    )


class NotFound(PortalError):
    """The resource does not exist, or the caller may not see it."""

    code = "NOT_FOUND"
    description = "the resource does not exist, or the caller may not see it"


class Conflict(PortalError):
    """The thing is not in a state in which this can be done. Each of these errors has a code of its own."""


class Duplicate(Conflict):
    """Another resource already has this name."""

    code = "DUPLICATE"
    description = "a plant or category has this name or slug, or an active user has the e-mail of the invite"


class OwnAccount(Conflict):
    """Users cannot deactivate themselves or change their own role."""

    code = "OWN_ACCOUNT"
    description = "users cannot deactivate themselves or change their own role"


class LastHeadquarters(Conflict):
    """Headquarters must keep an active user."""

    code = "LAST_HEADQUARTERS"
    description = "the last active user of headquarters cannot be deactivated or get another role"


class InactiveUser(Conflict):
    """The user is not active."""

    code = "INACTIVE_USER"
    description = "the user is not active, so there is no password to reset: activate the user first"


class NoPassword(Conflict):
    """The account has no password in the portal."""

    code = "NO_PASSWORD"
    description = "the account signs in with another issuer and has no password to change or reset"


class InvalidTransition(Conflict):
    """This change of status is not allowed."""

    code = "INVALID_TRANSITION"
    description = (
        "a practice, or the implementation of a copy, cannot go from its status to the requested one; the"
        " message names both"
    )


class PracticeBenchmarked(Conflict):
    """The practice is benchmarked, so this is not possible."""

    code = "BENCHMARKED"
    description = "a benchmarked practice cannot be returned for revision, deleted, or moved to another plant"


class PracticeDecided(Conflict):
    """Headquarters has decided about the practice, so it cannot be withdrawn."""

    code = "ALREADY_DECIDED"
    description = "headquarters has decided about the practice before, so it cannot be withdrawn"


class NotWaiting(Conflict):
    """The practice does not wait for a decision, so nobody can take it for review."""

    code = "NOT_WAITING"
    description = "the practice does not wait for a decision, so it cannot be taken or handed over"


class AlreadyTaken(Conflict):
    """Another headquarters user reviews the practice."""

    code = "ALREADY_TAKEN"
    description = "another headquarters user has taken the practice for review; it can be handed over"


class NotBenchmarkable(Conflict):
    """A practice with this status cannot be benchmarked."""

    code = "NOT_BENCHMARKABLE"
    description = "only a submitted or approved practice can be benchmarked"


class AlreadyBenchmarked(Conflict):
    """The practice is already benchmarked."""

    code = "ALREADY_BENCHMARKED"
    description = "the practice is already benchmarked"


class NotBenchmarked(Conflict):
    """The practice is not benchmarked."""

    code = "NOT_BENCHMARKED"
    description = "the practice is not benchmarked, so it cannot be copied and has no benchmark to remove"


class OwnPractice(Conflict):
    """A plant cannot copy its own practice."""

    code = "OWN_PRACTICE"
    description = "a plant cannot copy its own practice"


class AlreadyCopied(Conflict):
    """The plant has already copied this practice."""

    code = "ALREADY_COPIED"
    description = "the plant has already copied this practice and has not deleted its copy"


class PracticeCopied(Conflict):
    """The practice was copied, or is a copy, so this is not possible."""

    code = "COPIED"
    description = "a copied practice or a copy cannot move to another plant; a copy cannot be withdrawn"


class RestoredCopy(Conflict):
    """This portal is a copy for looking at: it changes no file."""

    code = "RESTORED_COPY"
    description = (
        "this portal is a copy that was restored for looking at (`RESTORED_COPY`): files cannot be uploaded"
        " or deleted, and no large export can be stored"
    )


class UploadMissing(Conflict):
    """The file of an upload is not in the storage."""

    code = "UPLOAD_MISSING"
    description = "the file of the upload is not in the storage: upload the file before confirming it"


class IdempotencyKeyReused(Conflict):
    """The Idempotency-Key was used for another request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    description = "the `Idempotency-Key` was used for another request within 24 hours"


class IdempotencyKeyBusy(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code = "IDEMPOTENCY_KEY_BUSY"
    description = "the first request with this `Idempotency-Key` is still running: try again later"


class JobRunning(Conflict):
    """The job is already running."""

    code = "JOB_RUNNING"
    description = "the job is already running, in this instance or another one"


class JobDone(Conflict):
    """Another instance has completed this scheduled run of the job."""

    code = "JOB_DONE"
    description = (
        "another instance has completed this scheduled run of the job; only timers get this error, callers"
        " never do"
    )


class PracticeDeleted(Conflict):
    """The practice was deleted meanwhile."""

    code = "CONFLICT"
    description = "the practice was deleted while its photograph or document was being recorded"


class PreconditionFailed(PortalError):
    """The resource was changed after the caller read it."""

    code = "PRECONDITION_FAILED"
    description = "`If-Match` does not match the current version of the practice: read the practice again"


class TooLarge(PortalError):
    """The request is too large."""

    code = "PAYLOAD_TOO_LARGE"
    description = (
        "the body is larger than 1 MB; for calls without a session, larger than 16 kB; for `upload-image`,"
        " larger than 10 MB plus the overhead of the form; for `import`, larger than 5 MB"
    )


class UnsupportedMedia(PortalError):
    """The content type of the request is not accepted."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    description = "the body is not JSON; for `upload-image` and `import`, it is not a multipart form"


class Invalid(PortalError):
    """The request was parsed, but breaks a rule."""

    code = "VALIDATION_ERROR"
    description = (
        "the request was parsed but breaks a rule; `details` names each wrong field, and is empty for a text"
        " that the database cannot process"
    )

    @classmethod
    def of(cls, field: str, message: str) -> "Invalid":
        """Return the error for one field."""
        return cls(message, details=(FieldError(field, message),))


class UploadRejected(Invalid):
    """The uploaded file is not accepted."""

    code = "UPLOAD_REJECTED"
    description = (
        "the file is damaged, too large, too expensive to open, protected by a password, was deleted, is not"
        " of the type of its name, or has macros, scripts or external content; `details` says which"
    )


class RateLimited(PortalError):
    """The caller sends too many requests; `retry_after` is the time to wait."""

    code = "RATE_LIMITED"
    description = (
        "too many requests or failed sign-ins, or two exports or imports of the user are running;"
        " `Retry-After` is the time to wait, in seconds"
    )

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InternalError(PortalError):
    """An unexpected error in the portal."""

    code = "INTERNAL"
    description = "an unexpected error; its cause is in the log under the request id, not in the response"


class Unavailable(PortalError):
    """The database or the storage does not answer; the same request may succeed later."""

    code = "UNAVAILABLE"
    description = (
        "the database or the storage does not answer or takes too long, all connections are in use, somebody"
        " else is changing the same thing, the database has no room or is read-only, too many files are"
        " examined, or the keys of the other issuer cannot be read; `Retry-After` is in seconds"
    )
