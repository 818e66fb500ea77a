# SPDX-License-Identifier: GPL-3.0-or-later
"""`finished.csv`: which results of a folder were made by its job, and by no other."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple, Type, Union

from cryosegment.exchange.csv_rows import append_row
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, make_folder, remove_file
from cryosegment.exchange.micrograph_lists import FINISHED_NAME, read_list
from cryosegment.exchange.model_files import SHIPPED, model_path
from cryosegment.exchange.params import Params, free_to_change
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.exchange.records import record_to_dict

COLUMNS = ("micrograph", "job", "file")
Source = Union[Path, bytes, None]
"""What the results of a micrograph are made of: its file, or values of several files."""


class Finished:
    """The micrographs that a job has finished in its output folder.

    Each is listed with fingerprints of all that its results depend on: the parameters with the
    files that they name, and its own file. What was made by other parameters, from another file,
    or by an earlier run that this one does not resume, is not finished. A file that has gone since
    changes nothing.

    Parameters
    ----------
    folder
        Output folder.
    params
        Of the job.
    is_resumed
        Whether what an earlier run has finished counts.
    """

    def __init__(self, folder: PathLike, params: Params, is_resumed: bool) -> None:
        self._path = Path(folder) / FINISHED_NAME
        self._job = fingerprint(params)
        self._known: Dict[str, Tuple[str, str]] = _read(self._path) if is_resumed else {}
        self._is_begun = is_resumed

    def has(self, name: str, source: Source = None) -> bool:
        """Whether the results of a micrograph, made of `source`, are finished."""
        job, file = self._known.get(name, ("", ""))
        return job == self._job and _mark(source) in (file, GONE)

    def waiting(
        self, micrographs: Iterable[Tuple[str, Path]], known: Iterable[str]
    ) -> List[Tuple[str, Path]]:
        """The micrographs, name and file each, that are not finished.

        Parameters
        ----------
        micrographs
            All of a picking run.
        known
            Those that its figures list.
        """
        results, names = PickFolder(self._path.parent), set(known)
        return [
            (name, path)
            for name, path in micrographs
            if not (name in names and results.is_picked(name) and self.has(name, path))
        ]

    @contextmanager
    def making(self, name: str, source: Source = None) -> Iterator[None]:
        """List a micrograph when the block that writes its results ends without error.

        Raises
        ------
        InputError
            If the list cannot be written.
        """
        file = _mark(source)
        self._begin()
        yield
        append_row(self._path, (name, self._job, file))
        self._known[name] = self._job, file

    def _begin(self) -> None:
        """Before the first result is written, forget those of a run that this one replaces."""
        if self._is_begun:
            return
        make_folder(self._path.parent)
        remove_file(self._path)
        self._is_begun = True


def check_others(folder: PathLike, names: Iterable[str]) -> None:
    """Check that a run of some micrographs would leave no results of others beside its own.

    Raises
    ------
    InputError
        If it would.
    """
    finished = _read(Path(folder) / FINISHED_NAME)
    others = sorted({*finished, *PickFolder(folder).names(COORDINATES)} - set(names))
    if others:
        raise InputError(
            f"{folder} holds results of {len(others)} other micrographs, such as {others[0]}: "
            "give --resume to go on there, or another --output"
        )


def fingerprint(params: Params) -> str:
    """Fingerprint of the parameters that results depend on, and of the files that they name."""
    free = free_to_change(type(params))
    values = {name: v for name, v in record_to_dict(params).items() if name not in free}
    files = [_identity(path) for path in paths_of(type(params), values)]
    return _digest([type(params).__name__, values, files])


def paths_of(params: Type[Params], values: Mapping[str, Any]) -> List[Path]:
    """The files and folders that the values of parameters, by name, point to."""
    found = []
    for field in dataclasses.fields(params):
        if not field.metadata.get("is_path"):
            continue
        value = values.get(field.name, "")
        for text in value if isinstance(value, (list, tuple)) else (value,):
            if text in SHIPPED or (text and text not in field.metadata.get("names", ())):
                found.append(model_path(text))
    return found


def _mark(source: Source) -> str:
    """Fingerprint of what results are made of."""
    if isinstance(source, bytes):
        return _digest([hashlib.sha256(source).hexdigest()])
    return _digest([] if source is None else _identity(source))


def _identity(path: Path) -> List[Any]:
    """Size and time of a file, or of those in a folder; nothing where it is missing."""
    try:
        with os.scandir(path) as entries:
            return sorted((entry.name, *_stamp(entry.stat())) for entry in entries)
    except NotADirectoryError:
        return [*_stamp(path.stat())]
    except OSError:
        return []


def _stamp(status: os.stat_result) -> Tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _digest(values: List[Any]) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


GONE = _digest([])


def _read(path: Path) -> Dict[str, Tuple[str, str]]:
    """Fingerprints of each micrograph by name."""
    rows = read_list(path, COLUMNS, is_titled=False)
    return {name: (row["job"], row["file"]) for name, row in rows.items()}
