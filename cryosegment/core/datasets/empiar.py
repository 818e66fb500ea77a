# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of EMPIAR and their files.

Fields as the public API gives them (https://www.ebi.ac.uk/empiar/api/documentation/): GET
`entry/ID/` answers one entry under its accession code, POST `entry/` several, named in the body
by commas. It neither lists nor searches entries and has no checksums; resolutions are in EMDB.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cryosegment.core.datasets.listing import read_listing
from cryosegment.core.datasets.server import Server, read_json
from cryosegment.exchange.errors import InputError, ParameterError

PREFIX = "EMPIAR-"
# Entries asked for in one request.
BATCH = 100
# Folders within folders that an entry may have.
DEPTH = 30


@dataclass(frozen=True)
class ImageSet:
    """One set of images of an entry.

    Attributes
    ----------
    name, category, directory, data_format
        As the depositor wrote them, such as "micrographs - single frame", "data/micrographs".
    count
        Number of images, 0 if unknown.
    pixel_size
        Å/px, 0 if unknown.
    particles
        Folder or pattern of the files of picked particles; empty where there are none.
    """

    name: str
    category: str
    directory: str
    data_format: str
    count: int
    pixel_size: float
    particles: str


@dataclass(frozen=True)
class Entry:
    """An entry of EMPIAR.

    Attributes
    ----------
    number
        Such as "10017".
    title
        Its title.
    size
        Size of all files, such as "1.9 TB".
    emdb
        Accession codes of its maps.
    image_sets
        Its images.
    """

    number: str
    title: str
    size: str
    emdb: tuple[str, ...]
    image_sets: tuple[ImageSet, ...]

    @property
    def has_coordinates(self) -> bool:
        """Whether a set names files of picked particles, or is one of them."""
        return any(
            images.particles or images.category.lower().startswith("picked particles")
            for images in self.image_sets
        )


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server.

    Attributes
    ----------
    path
        Relative to the entry, with slashes.
    url
        Its address.
    size
        Approximate number of bytes; None if unknown.
    """

    path: str
    url: str
    size: int | None


def entry_number(text: str) -> str:
    """Number of an entry from "10017", "EMPIAR-10017" or "empiar-10017".

    Raises
    ------
    ParameterError
        If it is none of these.
    """
    number = text.strip().upper().removeprefix(PREFIX)
    if not re.fullmatch(r"\d{5,6}", number):
        raise ParameterError(
            f"expected an entry such as 10017, EMPIAR-10017 or cryoppp-10017, got {text!r}"
        )
    return number


def read_entry(server: Server, number: str) -> Entry:
    """An entry.

    Raises
    ------
    InputError, NetworkError
        If there is none of that number, or the server cannot be reached or answers otherwise.
    """
    url = f"{server.empiar}/entry/{number}/"
    entries = _parse_entries(read_json(url), url)
    if number not in entries:
        raise InputError(f"expected EMPIAR-{number} at {url}, got {', '.join(entries) or 'none'}")
    return entries[number]


def read_entries(server: Server, numbers: Sequence[str]) -> Iterator[Entry]:
    """Entries of those numbers that exist, in the order of the numbers."""
    url = f"{server.empiar}/entry/"
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        entries = _parse_entries(read_json(url, ",".join(batch).encode()), url)
        yield from (entries[number] for number in batch if number in entries)


def list_files(server: Server, number: str, pattern: str) -> list[RemoteFile]:
    """All files of an entry in the folder that a pattern starts with, by path.

    Parameters
    ----------
    server
        Server of EMPIAR.
    number
        Number of the entry.
    pattern
        As for `fits`; the search starts in the folders before its first wildcard.

    Raises
    ------
    InputError, NetworkError
        If there is no such entry or folder, or the server cannot be reached.
    """
    literal = re.split(r"[*?\[]", pattern.lstrip("/"), maxsplit=1)[0]
    start = literal.rpartition("/")[0]
    return list(_walk(f"{server.files}/{number}", start + "/" if start else ""))


def fits(path: str, pattern: str) -> bool:
    """Whether a file's path or name fits a pattern.

    Parameters
    ----------
    path
        Relative, with slashes.
    pattern
        As in a shell, where `*` also stands for slashes: `*.star`, `data/micrographs/*.mrc`, and
        `data/micrographs/` for all in it.
    """
    whole = pattern.lstrip("/") + ("*" if pattern.endswith("/") else "")
    names = (path, path.rpartition("/")[2])
    return any(fnmatch.fnmatchcase(name, whole) for name in names)


def _walk(root: str, folder: str) -> Iterator[RemoteFile]:
    """All files below a folder; its name ends in a slash or is empty."""
    if folder.count("/") > DEPTH:
        raise InputError(f"{root} has folders in folders without end, such as {folder}")
    for item in read_listing(f"{root}/{quote(folder)}"):
        path = folder + item.name
        if item.is_folder:
            yield from _walk(root, path + "/")
        else:
            yield RemoteFile(path, f"{root}/{quote(path)}", item.size)


def _parse_entries(answer: Any, url: str) -> dict[str, Entry]:
    """Entries by number, from the answer of the API."""
    if not isinstance(answer, Mapping):
        raise InputError(f"expected entries by accession code from {url}, got {str(answer)[:40]!r}")
    return {
        code.upper().removeprefix(PREFIX): _parse_entry(code.upper().removeprefix(PREFIX), values)
        for code, values in answer.items()
        if code.upper().startswith(PREFIX) and isinstance(values, Mapping)
    }


def _parse_entry(number: str, values: Mapping[str, Any]) -> Entry:
    references = values.get("cross_references") or ()
    sets = values.get("imagesets") or ()
    return Entry(
        number,
        _text(values, "title"),
        _text(values, "dataset_size"),
        tuple(str(code) for code in references if str(code).upper().startswith("EMD-")),
        tuple(_parse_image_set(images) for images in sets if isinstance(images, Mapping)),
    )


def _parse_image_set(values: Mapping[str, Any]) -> ImageSet:
    particles = _text(values, "picked_particles_file_pattern")
    return ImageSet(
        _text(values, "name"),
        _text(values, "category"),
        _text(values, "directory").strip("/"),
        _text(values, "data_format"),
        int(_float(values, "num_images_or_tilt_series")),
        _float(values, "pixel_width"),
        particles or _text(values, "picked_particles_directory").strip("/"),
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else str(value).strip()


def _float(values: Mapping[str, Any], name: str) -> float:
    try:
        return float(values.get(name) or 0)
    except (TypeError, ValueError):  # "variable", where images differ
        return 0.0
