"""Why files are rejected that no parser can read."""

from typing import Final

from bp_core.uploads.kinds import RejectedFileError

DAMAGED: Final = "The file is damaged and cannot be opened."


def damaged() -> RejectedFileError:
    """Return the error for a file that cannot be read."""
    return RejectedFileError(DAMAGED)
