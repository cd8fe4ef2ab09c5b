"""OLE files ([MS-CFB]): opened within limits of memory and time.

The library follows every chain for as many sectors as the header claims, or as the file has. So the claims
are checked before.
"""

import struct
from typing import Final

import olefile
from typing_extensions import override

from adapters.files.rejections import damaged
from bp_core.uploads.kinds import RejectedFileError

MAX_ENTRIES: Final = 10_000
"""How many streams and storages a file may have."""

HEADER_SIZE: Final = 512
SECTOR_SHIFTS: Final = frozenset({9, 12})
"""The logarithms of the sizes of sectors."""

IN_HEADER: Final = 109
"""How many sectors of the FAT the header lists."""

_SECTOR_SHIFT: Final = 30
_FAT_SECTORS: Final = 44


class OleFile(olefile.OleFileIO):  # type: ignore[misc]  # has no types
    """An open OLE file with a limited number of entries."""

    _loaded = 0

    @override
    def _load_direntry(self, sid: int) -> object:
        self._loaded += 1
        if self._loaded > MAX_ENTRIES:
            raise RejectedFileError(f"The file contains more than {MAX_ENTRIES} files.")
        return super()._load_direntry(sid)


def open_ole(data: bytes) -> OleFile:
    """Open a file. Raises RejectedFileError, and what the library raises for a damaged file."""
    _require_sound(data)
    # By default the library reads a stream that claims more than the file has, sector after sector.
    return OleFile(data, raise_defects=olefile.DEFECT_INCORRECT)


def _require_sound(data: bytes) -> None:
    """Check that the FAT is not much larger than one of a file of this size. Raises RejectedFileError."""
    if len(data) < HEADER_SIZE:
        raise damaged()
    (shift,) = struct.unpack_from("<H", data, _SECTOR_SHIFT)
    (fat_sectors,) = struct.unpack_from("<I", data, _FAT_SECTORS)
    if shift not in SECTOR_SHIFTS:
        raise damaged()
    needed = (len(data) >> shift) // (1 << shift - 2) + 1
    if fat_sectors > IN_HEADER + 2 * needed:
        raise damaged()
