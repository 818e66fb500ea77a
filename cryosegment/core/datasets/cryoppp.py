# SPDX-License-Identifier: GPL-3.0-or-later
"""CryoPPP: micrographs of 34 EMPIAR entries with experts' coordinates, an archive for each.

`ID.tar.gz` holds `ID/micrographs/` and `ID/ground_truth/`; the lite archives have 8-bit JPEG
micrographs (https://github.com/BioinfoMachineLearning/cryoppp). The server lists no sizes or
checksums besides those of HTTP; gzip's own checksum is verified as an archive is unpacked.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from cryosegment.core.datasets.empiar import fits
from cryosegment.core.datasets.server import Server
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import atomic_path

NAME = re.compile(r"(?i)cryoppp(-lite)?-(?:EMPIAR-)?(\d{5,6})")
BLOCK = 1 << 20


def archive_url(server: Server, name: str) -> str | None:
    """Address of the archive that "cryoppp-10017" or "cryoppp-lite-10017" names; else None."""
    match = NAME.fullmatch(name.strip())
    if match is None:
        return None
    root = server.cryoppp_lite if match[1] else server.cryoppp
    return f"{root}/{match[2]}.tar.gz"


def unpack(archive: Path, folder: Path, pattern: str) -> list[Path]:
    """Unpack the files of an archive whose path or name fits a pattern; paths of the files.

    Files that exist with the right size are kept. Links and paths outside the folder are left
    out.

    Raises
    ------
    InputError
        If the archive is damaged, or a file cannot be written.
    """
    written = []
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = _safe_path(member)
                if path is None or not fits(str(path), pattern):
                    continue
                target = folder / path
                if not target.exists() or target.stat().st_size != member.size:
                    _copy(tar, member, target)
                written.append(target)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise InputError(
            f"expected an archive in {archive}, but it is damaged ({error}): remove it and fetch "
            "it again"
        ) from error
    return written


def _safe_path(member: tarfile.TarInfo) -> PurePosixPath | None:
    """Path of a plain file that stays in the folder; None for everything else."""
    path = PurePosixPath(member.name)
    is_safe = member.isfile() and not path.is_absolute() and ".." not in path.parts
    return path if is_safe and path.parts else None


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    stream = tar.extractfile(member)
    if stream is None:  # only what is no file has none
        return
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        shutil.copyfileobj(stream, file, BLOCK)
