"""What can go wrong while the portal is set up or started, told to the person at the terminal."""


class StartError(Exception):
    """Something could not be set up or started; the message says what, and what to do about it."""
