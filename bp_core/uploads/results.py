"""What becomes of a blob that the portal learns of."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from bp_core.uploads.ports import File

Item = TypeVar("Item")


@dataclass(frozen=True)
class Recorded(Generic[Item]):
    """The file is recorded; `is_new` is true only for the call that recorded it."""

    file: Item
    is_new: bool


@dataclass(frozen=True)
class Rejected:
    """The file is not accepted; its blob is in quarantine."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """The file is not accepted, and nobody requested it in this database: its blob stays where it is.

    It may belong to another database, for example to the one that this one is an older copy of.
    """

    reason: str


@dataclass(frozen=True)
class Missing:
    """There is no such blob, or not yet, or its file was deleted meanwhile."""


RecordingResult = Recorded[File] | Rejected | Unknown | Missing
