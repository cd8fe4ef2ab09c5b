"""What every error has, and the list of all errors. The errors themselves are in `bp_core.shared.errors`."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """An error in one field of a request."""

    field: str
    message: str


class PortalError(Exception):
    """An error that is returned to the caller: a stable code, a message for users, the wrong fields.

    `description` says in the documentation when the code is returned.
    """

    code: ClassVar[str]
    description: ClassVar[str]

    catalogue: ClassVar[list[type["PortalError"]]] = []
    """Every class with a code of its own, in the order of definition."""

    def __init_subclass__(cls) -> None:
        """Add the class to the catalogue. Raises TypeError if another class has the same code."""
        super().__init_subclass__()
        if "code" not in vars(cls):
            return
        if any(other.code == cls.code for other in PortalError.catalogue):
            raise TypeError(f"two errors have the code {cls.code}")
        PortalError.catalogue.append(cls)

    def __init__(self, message: str, *, details: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
