"""Errors of the local set-up, with messages for the person at the terminal."""


class SetupError(Exception):
    """Something could not be installed or started. The message says what, and what to do about it."""
