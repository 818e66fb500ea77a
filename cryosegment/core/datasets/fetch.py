# SPDX-License-Identifier: GPL-3.0-or-later
"""Download of a data set into a folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from cryosegment.core.datasets.checksums import Checksum, is_sum_file, read_sums
from cryosegment.core.datasets.cryoppp import archive_url, unpack
from cryosegment.core.datasets.empiar import (
    RemoteFile,
    entry_number,
    fits,
    list_files,
    read_entry,
)
from cryosegment.core.datasets.server import Server, read_page
from cryosegment.core.datasets.transfer import Report, download, remote_size
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import write_text
from cryosegment.exchange.progress import Progress, no_progress

Sums = dict[PurePosixPath, Checksum]


@dataclass
class Fetched:
    """Downloaded files.

    Attributes
    ----------
    paths
        Files that were downloaded, or were there, and are checked.
    size
        Their size, bytes.
    failures
        Error messages of the others, by path.
    """

    paths: list[Path] = field(default_factory=list)
    size: int = 0
    failures: dict[str, str] = field(default_factory=dict)


def list_data_set(server: Server, name: str, pattern: str) -> list[RemoteFile]:
    """Files of an EMPIAR entry that fit a pattern, or the archive of a CryoPPP set.

    Raises
    ------
    ParameterError, InputError, NetworkError
        If there is no such data set, or the server cannot be reached.
    """
    url = archive_url(server, name)
    if url is not None:
        size = remote_size(url)
        return [RemoteFile(url.rpartition("/")[2], url, size if size >= 0 else None)]
    number = entry_number(name)
    return [file for file in list_files(server, number, pattern) if fits(file.path, pattern)]


def fetch_data_set(
    server: Server,
    name: str,
    folder: Path,
    pattern: str,
    progress: Progress = no_progress,
) -> Fetched:
    """Download an EMPIAR entry or a CryoPPP set; a later call resumes an interrupted download.

    Parameters
    ----------
    server
        Server of the data set.
    name
        "10017", "EMPIAR-10017", "cryoppp-10017" or "cryoppp-lite-10017".
    folder
        Folder in which its own folder, such as `10017`, is made.
    pattern
        Pattern of the files, as for `empiar.fits`; of a CryoPPP set, of those that are unpacked.
    progress
        Called as files arrive.

    Raises
    ------
    ParameterError, InputError
        If there is no such data set, or no file fits.
    NetworkError
        If the server cannot be reached; files that have arrived are kept.
    """
    if archive_url(server, name) is not None:
        return _fetch_archive(server, name, folder, pattern, progress)
    entry = read_entry(server, entry_number(name))
    files = list_files(server, entry.number, pattern)
    chosen = [file for file in files if fits(file.path, pattern)]
    if not chosen:
        raise InputError(
            f"no file of EMPIAR-{entry.number} fits {pattern!r}: look at them with --list"
        )
    own = folder / entry.number
    write_text(own / "entry.json", json.dumps(dataclasses.asdict(entry), indent=2) + "\n")
    sums = _read_sums(files, chosen)
    return _fetch_files(chosen, own, sums, progress)


def _fetch_files(
    files: Sequence[RemoteFile], folder: Path, sums: Sums, progress: Progress
) -> Fetched:
    fetched = Fetched()
    for index, file in enumerate(files):
        path = folder / file.path
        report = _reporter(progress, index, len(files), file.path)
        try:
            fetched.size += download(file.url, path, sums.get(PurePosixPath(file.path)), report)
            fetched.paths.append(path)
        except InputError as error:
            fetched.failures[file.path] = str(error)
        progress(index + 1, len(files), file.path)
    return fetched


def _fetch_archive(
    server: Server, name: str, folder: Path, pattern: str, progress: Progress
) -> Fetched:
    url = archive_url(server, name) or ""
    archive = folder / f"{name.strip().lower()}.tar.gz"
    size = download(url, archive, None, _reporter(progress, 0, 2, archive.name))
    progress(1, 2, f"unpacking {archive.name}")
    paths = unpack(archive, folder, pattern)
    progress(2, 2, archive.name)
    if not paths:
        raise InputError(f"no file of {archive} fits {pattern!r}: give another pattern")
    return Fetched(paths, size)


def _read_sums(files: Sequence[RemoteFile], chosen: Iterable[RemoteFile]) -> Sums:
    """Checksums from files beside those chosen, or in a folder above them."""
    wanted = {PurePosixPath(file.path) for file in chosen}
    above = {folder for path in wanted for folder in path.parents}
    names = {file.path for file in files}
    sums: Sums = {}
    for file in files:
        path = PurePosixPath(file.path)
        # `a.mrc.md5` is of a.mrc alone; `md5sum.txt` is of all that its lines name.
        is_of_one = str(path.with_suffix("")) in names
        concerns = path.with_suffix("") in wanted if is_of_one else path.parent in above
        if concerns and is_sum_file(path.name):
            for name, checksum in read_sums(read_page(file.url), path.name).items():
                sums[path.parent / name] = checksum
    return sums


def _reporter(progress: Progress, done: int, total: int, name: str) -> Report:
    """How far one file is, in the words of all."""

    def report(arrived: int, size: int) -> None:
        share = f"{100 * arrived // size} %" if size else f"{arrived // 2**20} MB"
        progress(done, total, f"{name} {share}")

    return report
