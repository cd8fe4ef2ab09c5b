"""Every code that a refusal may have: the status it comes with, and when it is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Code:
    """What a code means to a caller."""

    status: int
    when: str


CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "BAD_REQUEST": Code(400, "the body is not JSON, or a query value cannot be read at all"),
        "UNAUTHENTICATED": Code(
            401,
            "no token, or one that is not ours, tampered with, or of the wrong kind; an outside issuer's "
            "whose e-mail is not vouched for or no active user's",
        ),
        "INVALID_CREDENTIALS": Code(401, "e-mail or password is wrong; which of them is not told"),
        "TOKEN_EXPIRED": Code(401, "the token has run out: refresh, or sign in again"),
        "TOKEN_REVOKED": Code(
            401,
            "the session has ended: by logout, from the list of sessions, by a change of password, by a "
            "refresh token used twice, or because the user is no longer active",
        ),
        "FORBIDDEN": Code(
            403,
            "the caller is known and may not do this: another role's call, another plant's practice",
        ),
        "ACCOUNT_INACTIVE": Code(403, "the password is right, and the account is not active"),
        "NOT_FOUND": Code(404, "no such thing, or none that the caller may see"),
        "DUPLICATE": Code(
            409,
            "another plant or category has the name or slug; an active user has the e-mail that is to be "
            "invited",
        ),
        "OWN_ACCOUNT": Code(409, "nobody deactivates themselves or changes their own role"),
        "NO_PASSWORD": Code(
            409,
            "the account signs in with an outside issuer only and has no password to change",
        ),
        "INVALID_TRANSITION": Code(
            409,
            "a practice, or the implementation of a copy, cannot go from its state to that one; the "
            "message names both",
        ),
        "BENCHMARKED": Code(
            409,
            "a benchmarked practice cannot be sent back for revision, deleted, or given to another plant",
        ),
        "NOT_BENCHMARKABLE": Code(409, "a draft, or a practice under revision, cannot be benchmarked"),
        "ALREADY_BENCHMARKED": Code(409, "the practice is benchmarked already"),
        "NOT_BENCHMARKED": Code(
            409,
            "the practice is not benchmarked: it can neither be copied nor lose its benchmark",
        ),
        "OWN_PRACTICE": Code(409, "a plant does not copy its own practice"),
        "ALREADY_COPIED": Code(409, "the plant has copied this practice, and has not deleted its copy"),
        "COPIED": Code(409, "a practice that was copied, or is a copy, stays with its plant"),
        "UPLOAD_MISSING": Code(409, "an upload is confirmed before the file is there: put it first"),
        "IDEMPOTENCY_KEY_REUSED": Code(
            409,
            "the `Idempotency-Key` was used for another call within 24 hours",
        ),
        "IDEMPOTENCY_KEY_BUSY": Code(
            409,
            "the first call with this `Idempotency-Key` is still at work: ask again shortly",
        ),
        "JOB_RUNNING": Code(409, "the job runs already, here or in another instance"),
        "JOB_DONE": Code(
            409,
            "another instance has done the job for the same time of its schedule; timers only, no caller "
            "sees it",
        ),
        "CONFLICT": Code(409, "the practice was removed while its photograph or document was recorded"),
        "PRECONDITION_FAILED": Code(
            412,
            "`If-Match` names another version than the practice has by now: read it again",
        ),
        "PAYLOAD_TOO_LARGE": Code(
            413,
            "the body is larger than 1 MB; on `upload-image`: than 10 MB and a little for the form; on "
            "`import`: than 5 MB",
        ),
        "UNSUPPORTED_MEDIA_TYPE": Code(
            415,
            "the body is not JSON; on `upload-image` and `import`: not a multipart form",
        ),
        "VALIDATION_ERROR": Code(422, "it can be read and breaks a rule; `details` names each field"),
        "UPLOAD_REJECTED": Code(
            422,
            "the file is damaged, too large, locked by a password, contains macros, or is not of the type"
            " that its name says; `details` says which",
        ),
        "RATE_LIMITED": Code(
            429,
            "too many calls, or too many failed attempts to sign in; carries `Retry-After` in seconds",
        ),
        "INTERNAL": Code(
            500,
            "a fault of ours; the cause is in the log under the request id, never in the answer",
        ),
        "UNAVAILABLE": Code(
            503,
            "the database or the storage does not answer, all connections are in use, or the outside "
            "issuer's keys cannot be had; carries `Retry-After`",
        ),
    }
)
"""The codes by their names, in the order of their statuses: what docs/errors.md lists."""
