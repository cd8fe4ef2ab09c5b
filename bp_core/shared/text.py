"""Text functions."""

import re
import unicodedata


def slug(text: str) -> str:
    """Return the words of a text in lower-case ASCII, joined by hyphens: "energy-waste" for "Energy & Waste".

    Empty if the text has no ASCII letter or digit.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
