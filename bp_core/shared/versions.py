"""Versions: how two who edit one thing are kept from overwriting each other unseen."""

from collections.abc import Set as AbstractSet

from bp_core.shared.errors import PreconditionFailed

ExpectedVersions = AbstractSet[int] | None
"""The versions that a caller's change was made for; None where they do not mind which it is."""


def require_expected(version: int, expected: ExpectedVersions) -> None:
    """Check that a thing, held by now, still has a version that the change was made for.

    Raises PreconditionFailed.
    """
    if expected is not None and version not in expected:
        raise PreconditionFailed("It was changed since you read it; read it again.")
