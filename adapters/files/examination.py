"""The process that examines uploaded files: `python -m adapters.files.examination`.

A hostile file can make a decoder slow, large, or wrong. Decoders run here, on one file at a time, within
limits of memory and computing time that the system enforces, and without secrets. The process reads requests
from its input, and ends with it.
"""

import os
import sys
from typing import BinaryIO, Final

from adapters.files import frames
from adapters.files.frames import Header
from adapters.files.rejections import DAMAGED
from bp_core.uploads.kinds import RejectedFileError

try:
    import resource
except ImportError:  # Windows has no such limits: the portal ends a process that takes too long
    resource = None  # type: ignore[assignment]

TOO_MUCH_MEMORY: Final = "The file needs too much memory to be opened."


def main() -> None:
    """Answer requests until the input ends."""
    requests, answers = sys.stdin.buffer, _answers()
    limits = frames.receive(requests)[0]
    _limit_process(limits["memory_bytes"])
    frames.send(answers, {"ready": True})
    while True:
        try:
            request, (data,) = frames.receive(requests)
        except frames.BrokenMessageError:
            return
        _limit_time(limits["cpu_seconds"])
        header, parts = answer(request, data)
        frames.send(answers, header, *parts)


def _answers() -> BinaryIO:
    """Return the output; what a library prints goes elsewhere."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _limit_process(memory_bytes: int) -> None:
    if resource is None:
        return
    for kind, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        try:
            resource.setrlimit(kind, (limit, limit))
        except (ValueError, OSError):  # a system that has the name and not the limit, such as macOS
            continue


def _limit_time(cpu_seconds: int) -> None:
    """Let the system end this process when it has computed for some seconds from now on."""
    if resource is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + cpu_seconds, hard))


def answer(request: Header, data: bytes) -> tuple[Header, list[bytes]]:
    """Examine one file: the answer says why it is rejected, or what it is. Raises ImportError."""
    examine = _image if request["content_type"].startswith("image/") else _document
    try:
        return examine(request, data)
    except RejectedFileError as rejection:
        return {"rejected": str(rejection)}, []
    except MemoryError:
        return {"rejected": TOO_MUCH_MEMORY}, []
    except ImportError:
        raise  # not the fault of the file
    except Exception:  # noqa: BLE001 - whatever a parser raises for hostile bytes, the file is not accepted
        return {"rejected": DAMAGED}, []


def _image(request: Header, data: bytes) -> tuple[Header, list[bytes]]:
    from adapters.files import pictures

    picture = pictures.examine(
        data,
        request["content_type"],
        with_thumbnail=request["with_thumbnail"],
        keep_metadata=request["keep_metadata"],
    )
    is_changed = picture.data != data
    header = {
        "size": [picture.size.width, picture.size.height],
        "is_changed": is_changed,
        "has_thumbnail": picture.thumbnail is not None,
    }
    return header, [
        *([picture.data] if is_changed else []),
        *([picture.thumbnail] if picture.thumbnail else []),
    ]


def _document(request: Header, data: bytes) -> tuple[Header, list[bytes]]:
    from adapters.files import documents

    documents.examine(data, request["content_type"])
    return {"size": None, "is_changed": False, "has_thumbnail": False}, []


if __name__ == "__main__":
    main()
