"""Messages between the portal and the process that examines files: a header in JSON, and some bytes.

JSON, because the process has read hostile files: what it sends must not be able to do more than be wrong.
"""

import json
import struct
from typing import IO, Any, Final

Header = dict[str, Any]

MAX_HEADER: Final = 64 * 1024
MAX_PART: Final = 64 * 1024 * 1024
"""The longest header and the longest part of a message, in bytes. The largest upload is much smaller."""

_LENGTH: Final = struct.Struct(">I")


class BrokenMessageError(Exception):
    """The other side has ended, or sends something that is not a message."""


def send(stream: IO[bytes], header: Header, *parts: bytes) -> None:
    """Write a message. Raises OSError if the other side has ended."""
    written = json.dumps({**header, "lengths": [len(part) for part in parts]}).encode()
    stream.writelines((_LENGTH.pack(len(written)), written, *parts))
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Header, list[bytes]]:
    """Read a message. Raises BrokenMessageError."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size, _LENGTH.size))
    try:
        header = json.loads(_exactly(stream, length, MAX_HEADER))
        lengths = [int(one) for one in header.pop("lengths")]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BrokenMessageError("the header is not valid") from error
    return header, [_exactly(stream, one, MAX_PART) for one in lengths]


def _exactly(stream: IO[bytes], length: int, at_most: int) -> bytes:
    if not 0 <= length <= at_most:
        raise BrokenMessageError(f"{length} bytes were announced")
    data = stream.read(length)
    if len(data) < length:
        raise BrokenMessageError("the other side has ended")
    return data
