"""Optimistic locking: a change names the version that it was made for (`If-Match`)."""

from collections.abc import Set as AbstractSet

from bp_core.shared.errors import PreconditionFailed

ExpectedVersions = AbstractSet[int] | None
"""The versions that the caller accepts; None for any version."""


def require_expected(version: int, expected: ExpectedVersions) -> None:
    """Check that a locked resource still has an expected version. Raises PreconditionFailed."""
    if expected is not None and version not in expected:
        raise PreconditionFailed("It was changed after you read it. Read it again.")
