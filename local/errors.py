"""Errors of the local set-up, with messages for the person at the terminal."""


class SetupError(Exception):
    """Something could not be installed or started. The message says what, and what to do about it."""


def reason(error: OSError) -> str:
    """What the operating system refused, and for which file."""
    text = error.strerror or str(error)
    return f"{text}: {error.filename}" if error.filename else text
