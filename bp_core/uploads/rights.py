"""The rights of an uploader when an upload is recorded without a call: by the blob trigger, or at night."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bp_core.practices.workflow import PracticeScope, require_editor
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound
from bp_core.uploads.kinds import RejectedFileError

NOBODY: Final = UUID(int=0)


@dataclass(frozen=True)
class Uploader:
    """The user who requested an upload, as they are now."""

    caller: Caller
    is_active: bool


def require_uploader(uploader: Uploader | None, practice: PracticeScope | None) -> None:
    """Check that an uploader may still edit the practice, by the rule for every edit (rules 2).

    A blob that nobody requested needs a practice that its plant may edit. Raises RejectedFileError.
    """
    if practice is None:
        raise RejectedFileError("The practice was deleted.")
    if uploader is not None and not uploader.is_active:
        raise RejectedFileError("The account of the uploader is no longer active.")
    caller = uploader.caller if uploader else Caller(NOBODY, None, "plant", practice.plant_id)
    try:
        require_editor(caller, practice)
    except (Forbidden, NotFound) as error:
        raise RejectedFileError(error.message) from error
