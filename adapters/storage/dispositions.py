"""The header Content-Disposition (RFC 6266), which says whether a browser shows a file or saves it."""

import re
from typing import Final
from urllib.parse import quote

INLINE: Final = "inline"

MAX_NAME_BYTES: Final = 200
"""The longest file name in bytes of UTF-8: most file systems accept 255."""

# Characters that no file name needs: controls, and those that reverse how the name reads ("gpj.exe").
_HIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_RESERVED: Final = re.compile(r'[<>:"/\\|?*]')
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ._()-]")


def attachment(name: str, extension: str) -> str:
    """Return the header with which a browser saves a file under a name that always ends in the extension.

    The name comes twice: in ASCII for old browsers, and in UTF-8, percent-encoded (RFC 5987).
    """
    filename = _filename(name, extension)
    plain = _NOT_PLAIN.sub("_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _filename(name: str, extension: str) -> str:
    cleaned = _RESERVED.sub("_", _HIDDEN.sub("", name)).strip(" .")
    ending = f".{extension}"
    stem = cleaned[: -len(ending)] if cleaned.lower().endswith(ending) else cleaned
    room = MAX_NAME_BYTES - len(ending)
    shortened = stem.encode("utf-8", "ignore")[:room].decode("utf-8", "ignore").rstrip(" .")
    return f"{shortened or 'document'}{ending}"
