# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written whole or not at all, and names of micrographs."""

from __future__ import annotations

import codecs
import json
import stat
import unicodedata
import uuid
from collections import Counter
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any, BinaryIO, Iterable, Iterator, List, Union

from cryosegment.exchange.errors import InputError

PathLike = Union[str, Path]

LONGEST_NAME = 200
"""Bytes of a micrograph's name: file systems allow 255, with suffixes and a temporary prefix."""
COMPRESSION_SUFFIXES = (".gz", ".bz2")
READ_SIZE = 1 << 20
"""Bytes that are read at once."""
CONTROL = bytes([*range(9), *range(14, 27), *range(28, 32)])
"""Bytes that no text holds."""


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Temporary path beside `path` that replaces it when the block ends without error.

    The folder is made where it is missing. The temporary name keeps the suffix and starts
    with a dot. When the block raises, the temporary file goes and `path` stays as it was.

    Raises
    ------
    InputError
        If the file cannot be written: a full disk, no permission, a file in place of a folder.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"cannot write {path}: {reason}; free space, or choose another place"
        ) from error
    finally:
        remove_file(temporary)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there and can be removed."""
    try:
        path.unlink()
    except OSError:
        return  # it was renamed, or never made


def write_text(path: PathLike, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all."""
    with atomic_path(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)


def check_file(path: PathLike) -> None:
    """Check that a path is a file, and not a pipe or device, which may never end.

    Raises
    ------
    InputError
        If it is missing, a folder, a pipe, a socket or a device.
    """
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"file {path} does not exist: check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"expected a file, but {path} is a folder: give a file in it")
    if not stat.S_ISREG(mode):
        raise InputError(f"expected a file, but {path} is a pipe or device: save it as a file")


def text_encoding(path: PathLike) -> str:
    """Encoding of a text file, as Python names it: UTF-8, UTF-16 or Latin-1.

    A byte order mark, which Excel and editors of Windows write, will not be part of the text.

    Raises
    ------
    InputError
        If the file is missing, cannot be read or is not text.
    """
    check_file(path)
    try:
        with Path(path).open("rb") as stream:
            return _find_encoding(path, stream)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _find_encoding(path: PathLike, stream: BinaryIO) -> str:
    is_wide = stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encoding = "utf-16" if is_wide else "utf-8-sig"
    decoder, fits, part = codecs.getincrementaldecoder(encoding)(), True, b"first"
    stream.seek(0)
    while part:
        part = stream.read(READ_SIZE)
        try:
            if fits:
                decoder.decode(part, final=not part)
        except UnicodeDecodeError:
            fits = False
        is_text = fits if is_wide else b"\0" not in part
        if not is_text or not (fits or part.translate(None, CONTROL) == part):
            raise InputError(f"expected a text file, but {path} is binary")
    return encoding if fits else "latin-1"


def read_text(path: PathLike) -> str:
    """Text of a file in whatever encoding it has, its line ends as newlines.

    Raises
    ------
    InputError
        If the file is missing, cannot be read or is not text.
    """
    encoding = text_encoding(path)
    try:
        return Path(path).read_text(encoding=encoding)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def read_json(path: PathLike) -> Any:
    """Values of a JSON file.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON.
    """
    return parse_json(read_text(path), path)


def parse_json(text: str, source: PathLike) -> Any:
    """Values of a JSON text; `source` names it in errors.

    Raises
    ------
    InputError
        If it is not JSON, nested too deeply, or has a number of thousands of digits.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected JSON, but {source} is not JSON: {error}") from None


def make_folder(path: PathLike) -> Path:
    """Folder at `path`, made with its parents where missing.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot make the folder {folder}: {reason}; choose another") from error
    return folder


def micrograph_name(path: PathLike) -> str:
    """Name of a micrograph: its file name without folder, compression and format suffix.

    Folders may be separated as on Windows, where other programs may have written the path.
    """
    return Path(uncompressed(PureWindowsPath(path).name)).stem


def uncompressed(name: str) -> str:
    """A file's name without the suffix of its compression."""
    for suffix in COMPRESSION_SUFFIXES:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name


def unique_names(paths: Iterable[PathLike]) -> List[str]:
    """Names of the micrographs at `paths`, in order.

    Raises
    ------
    InputError
        If two paths have one name: their results would overwrite each other.
    """
    names = [micrograph_name(path) for path in paths]
    check_names(names)
    return names


def check_names(names: Iterable[str]) -> None:
    """Check that names of micrographs can be names of files, and that each is used once.

    Raises
    ------
    InputError
        If a name is empty, `.` or `..`, holds a slash or a control character, is not text or too
        long; or if one occurs twice.
    """
    counts = Counter(names)
    for name in counts:
        if name in ("", ".", "..") or "/" in name or not _is_text(name):
            raise InputError(
                f"expected the name of a micrograph, got {name!r}: files are named after it, so "
                "it can be no path and holds no control characters"
            )
        if len(name.encode()) > LONGEST_NAME:
            raise InputError(
                f"expected names of micrographs of at most {LONGEST_NAME} bytes, got {name!r}: "
                "files are named after it, so rename it"
            )
    double = sorted(name for name, count in counts.items() if count > 1)
    if double:
        raise InputError(
            f"{len(double)} names of micrographs occur more than once, such as {double[0]!r}: "
            "results are named after them, so rename them, or process them in separate runs"
        )


def _is_text(name: str) -> bool:
    """Whether a name is UTF-8 text without control characters."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
