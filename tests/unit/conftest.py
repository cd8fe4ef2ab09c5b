"""How the property tests run: no example fails for being slow on a busy machine."""

from hypothesis import settings

settings.register_profile("portal", deadline=None)
settings.load_profile("portal")
