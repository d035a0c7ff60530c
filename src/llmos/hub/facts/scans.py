"""Which files can run code when they are loaded, and what that code is.

picklescan reads the instructions of a pickle one by one and never runs them. What it calls
dangerous is unsafe here; what it does not know is a reason for caution.
"""

import io
import logging
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any

from picklescan.relaxed_zipfile import RelaxedZipFile
from picklescan.scanner import SafetyLevel, ScanResult, scan_bytes, scan_pickle_bytes

logger = logging.getLogger(__name__)

# Endings under which loaders of the field expect a pickle, alone or inside a zip.
CARRIERS = frozenset(
    ".bin .ckpt .dat .data .dill .joblib .model .npy .npz .p .pickle .pkl .pt .pt2 .pth .sav "
    ".skops .th .zip".split()
)
# The rest of a longer file is not looked at, which counts as an error and not as safe.
LONGEST_SCAN = 512 * 2**20
MOST_STEPS = 1_000_000  # the scanner keeps about 300 bytes for each
MOST_MEMBERS = 100_000
LONGEST_LINE = 2**20

_PICKLES = frozenset({".dat", ".data", ".dill", ".joblib", ".pickle", ".pkl"})
_NUMPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
# joblib and old loaders unpack these by themselves; picklescan sees no pickle in them.
_PACKED = (
    *(b"x" + level for level in (b"\x01", b"\x5e", b"\x9c", b"\xda")),  # zlib
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ",
    b"\x5d\x00\x00",  # lzma alone
    b"\x04\x22\x4d\x18",  # lz4
    b"\x28\xb5\x2f\xfd",  # zstd
)


@dataclass(frozen=True, slots=True)
class Import:
    module: str
    name: str
    safety: str  # innocuous, suspicious or dangerous

    def as_json(self) -> dict[str, str]:
        return {"module": self.module, "name": self.name, "safety": self.safety}


@dataclass(frozen=True, slots=True)
class Finding:
    """`status` is safe, caution, unsafe, or error when the file could not be read as it claims."""

    status: str
    imports: list[Import] = field(default_factory=list)


def can_carry_code(path: str) -> bool:
    """Whether a loader might run code from a file of this name."""
    return PurePosixPath(path.lower()).suffix in CARRIERS


def scan(file: IO[bytes], path: str) -> Finding:
    """Look through one file, which must be seekable. Never raises on bad content."""
    try:
        result = _scan(file, path)
    except Exception:  # a hostile file may break the scanner in any way it likes
        logger.info("the scanner failed on a file, which is shown as unscannable", exc_info=True)
        return Finding("error")
    return finding_of(result)


def finding_of(result: ScanResult) -> Finding:
    """The verdict of a scan, the worst import deciding."""
    imports = sorted(
        {Import(g.module, g.name, g.safety.value) for g in result.globals},
        key=lambda found: (_WORST[found.safety], found.module, found.name),
    )
    if any(found.safety == SafetyLevel.Dangerous.value for found in imports):
        return Finding("unsafe", imports)
    if result.scan_err:
        return Finding("error", imports)
    if any(found.safety == SafetyLevel.Suspicious.value for found in imports):
        return Finding("caution", imports)
    return Finding("safe", imports)


_WORST = {level.value: place for place, level in enumerate(reversed(list(SafetyLevel)))}


class _TooMuch(Exception):
    pass


class _Bounded:
    """A file of which only so much is read, in so many steps: one step is at least one read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._bytes, self._steps = LONGEST_SCAN, MOST_STEPS

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._file.read(LONGEST_SCAN + 1 if size < 0 else size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._file.readline(size if size >= 0 else LONGEST_LINE))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def _counted(self, content: bytes) -> bytes:
        self._bytes -= len(content)
        self._steps -= 1
        if self._bytes < 0 or self._steps < 0:
            raise _TooMuch
        return content


def _scan(file: IO[bytes], path: str) -> ScanResult:
    start = file.read(8)
    file.seek(0)
    if start.startswith(_ZIP) or _is_zip(file):
        return _scan_zip(file, path)
    return _scan_plain(file, path, start)


def _is_zip(file: IO[bytes]) -> bool:
    found = zipfile.is_zipfile(file)
    file.seek(0)
    return found


def _is_tar(file: IO[bytes]) -> bool:
    """Torch before 0.1.10 saved a tar with pickles in it, and still loads one."""
    file.seek(0)
    front = file.read(262)
    file.seek(0)
    return front[257:] == b"ustar"


def _scan_zip(file: IO[bytes], path: str) -> ScanResult:
    """Each member by its name or its first bytes; weights are neither and stay unread."""
    result = ScanResult([])
    # zips whose copies of a name disagree hide code from readers that check, and not from torch
    with RelaxedZipFile(file, "r") as archive:
        names = archive.namelist()
        if len(names) > MOST_MEMBERS:
            raise _TooMuch
        for name in names:
            try:
                with archive.open(name, "r") as member:
                    start = member.read(8)
                if _looks_like_code(name, start):
                    with archive.open(name, "r") as member:
                        result.merge(_scan_plain(member, f"{path}:{name}", start))
            except (zipfile.BadZipFile, RuntimeError):
                result.scan_err = True
    return result


def _looks_like_code(name: str, start: bytes) -> bool:
    suffix = PurePosixPath(name.lower()).suffix
    return (
        suffix in _PICKLES
        or start.startswith(_NUMPY)
        or (start[:1] == b"\x80" and len(start) > 1 and start[1] <= 5)
    )


def _scan_plain(file: IO[bytes], path: str, start: bytes) -> ScanResult:
    if start.startswith(_NUMPY):
        return _scan_array(file, path)
    if start.startswith(_PACKED) or _is_tar(file):
        return ScanResult([], scan_err=True)
    content: Any = _Bounded(file)
    suffix = PurePosixPath(path.lower()).suffix
    if ":" in path:
        return scan_pickle_bytes(content, path)
    return scan_bytes(content, path, None if suffix in {".npy", ".npz"} else suffix)


def _scan_array(file: IO[bytes], path: str) -> ScanResult:
    """A NumPy array carries a pickle exactly when its type is `O`; read here without NumPy."""
    prefix = file.read(8)
    width = 2 if prefix[6] == 1 else 4
    header = file.read(min(int.from_bytes(file.read(width), "little"), LONGEST_LINE))
    if not re.search(rb"['\"][|<>=]?O", header):
        return ScanResult([], scanned_files=1)
    content: Any = _Bounded(io.BytesIO(file.read(LONGEST_SCAN)))
    return scan_pickle_bytes(content, path)
