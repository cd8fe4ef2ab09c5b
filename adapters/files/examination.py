"""The process that examines uploaded files: `python -m adapters.files.examination`.

A hostile file can make a decoder slow, large, or wrong. Decoders run here, on one file at a time, within
limits of memory and computing time that the system enforces, and without secrets. The process reads requests
from its input, and ends with it.
"""

import os
import sys
from contextlib import suppress
from typing import BinaryIO, Final

from adapters.files import frames
from adapters.files.frames import Header
from adapters.files.rejections import DAMAGED
from bp_core.uploads.kinds import RejectedFileError

try:
    import resource
except ImportError:  # Windows has no such limits: the portal ends a process that takes too long
    resource = None  # type: ignore[assignment]

SHARED_BYTES: Final = 256 * 1024 * 1024
"""The address space for code and files, in bytes, most of which is never in memory."""

OUT_OF_MEMORY: Final = 77
"""The exit code of a process that has not enough memory to say so."""

TOO_MUCH_MEMORY: Final = "The file needs too much memory to be opened."


def main() -> None:
    """Answer requests until the input ends."""
    requests, answers = sys.stdin.buffer, _answers()
    limits = frames.receive(requests)[0]
    limit_process(limits["memory_bytes"])
    frames.send(answers, {"ready": True})
    with suppress(frames.BrokenMessageError):
        while True:
            _serve(requests, answers, limits["cpu_seconds"])


def _serve(requests: BinaryIO, answers: BinaryIO, cpu_seconds: int) -> None:
    """Answer one request, and keep nothing of it. Raises BrokenMessageError at the end of the input."""
    request, file = frames.receive(requests)
    _limit_time(cpu_seconds)
    try:
        header, parts = answer(request, file)
        frames.send(answers, header, *parts)
    except MemoryError:  # there is not even enough for the answer
        os._exit(OUT_OF_MEMORY)


def _answers() -> BinaryIO:
    """Return the output; what a library prints goes elsewhere."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def limit_process(memory_bytes: int) -> None:
    """Let the system refuse more memory than this for data, and files and dumps at all."""
    if resource is None:
        return
    for kind, limit in (
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_AS, memory_bytes + SHARED_BYTES),
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


def answer(request: Header, file: list[bytes]) -> tuple[Header, list[bytes]]:
    """Examine the file in a list, which is empty afterwards.

    The answer says why the file is rejected, or what it is. Raises ImportError.
    """
    examine = _image if request["content_type"].startswith("image/") else _document
    try:
        return examine(request, file)
    except RejectedFileError as rejection:
        return {"rejected": str(rejection)}, []
    except MemoryError:
        return {"rejected": TOO_MUCH_MEMORY}, []
    except ImportError:
        raise  # not the fault of the file
    except Exception:  # noqa: BLE001 - whatever a parser raises for hostile bytes, the file is not accepted
        return {"rejected": DAMAGED}, []


def _image(request: Header, file: list[bytes]) -> tuple[Header, list[bytes]]:
    from adapters.files import pictures

    picture = pictures.examine(
        file,
        request["content_type"],
        with_thumbnail=request["with_thumbnail"],
        keep_metadata=request["keep_metadata"],
    )
    header = {
        "size": [picture.size.width, picture.size.height],
        "is_changed": picture.data is not None,
        "has_thumbnail": picture.thumbnail is not None,
    }
    return header, [
        *([] if picture.data is None else [picture.data]),
        *([] if picture.thumbnail is None else [picture.thumbnail]),
    ]


def _document(request: Header, file: list[bytes]) -> tuple[Header, list[bytes]]:
    from adapters.files import documents

    documents.examine(file.pop(), request["content_type"])
    return {"size": None, "is_changed": False, "has_thumbnail": False}, []


if __name__ == "__main__":
    main()
