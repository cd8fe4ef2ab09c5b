"""Who may call an endpoint: part of every declaration, checked before the handler is called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bp_core.shared.access import Caller, require_role
from bp_core.shared.errors import Forbidden, PortalError, TokenExpired, TokenRevoked, Unauthenticated
from bp_core.shared.schemas import Role
from functions.unit_of_work import UnitOfWork

Check = Callable[[UnitOfWork, Caller, UUID], object]
"""Raises an error unless the caller may use the thing with this id."""


@dataclass(frozen=True)
class Target:
    """The thing that a request is about, and that its caller must be allowed to use.

    `id_name` is the path parameter or body field with its id; `errors` are what `check` may raise.
    """

    id_name: str
    check: Check
    errors: frozenset[type[PortalError]]


@dataclass(frozen=True)
class Access:
    """Who may call: anyone or signed-in users, users of one role, users who may use a thing.

    The service checks the rights again, on the locked row. The check of a target rejects a write early; for
    a read it would only be a second query, so it is not made. It is documented in both cases.
    """

    label: str
    signed_in: bool = True
    role: Role | None = None
    target: Target | None = None

    @property
    def errors(self) -> frozenset[type[PortalError]]:
        """The errors that a caller without access gets."""
        errors: set[type[PortalError]] = set()
        if self.signed_in:
            errors |= {Unauthenticated, TokenExpired, TokenRevoked}
        if self.role is not None:
            errors.add(Forbidden)
        if self.target is not None:
            errors |= self.target.errors
        return frozenset(errors)

    def check_role(self, caller: Caller) -> None:
        """Check that the caller has the right role. Raises Forbidden."""
        if self.role is not None:
            require_role(caller, self.role)

    def check_target(self, work: UnitOfWork, caller: Caller, values: Mapping[str, object]) -> None:
        """Check that the caller may use the thing that the request is about.

        `values` are what was read from the request, by the names of handler parameters. Raises the errors of
        the target.
        """
        if self.target is None:
            return
        id_name = self.target.id_name
        target_id = values.get(id_name, getattr(values.get("body"), id_name, None))
        if not isinstance(target_id, UUID):
            raise TypeError(f"access of {self.label} needs an id in {id_name}")
        self.target.check(work, caller, target_id)


ANYONE: Final = Access("anyone", signed_in=False)
SIGNED_IN: Final = Access("any signed-in user")
PLANT_USER: Final = Access("plant users", role="plant")
HEADQUARTERS: Final = Access("headquarters", role="hq")
