# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs as a user names them: files, folders, patterns and lists."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Dict, Iterable, List, Sequence

from cryosegment.exchange.cryosparc import EXPOSURE, read_table, text_of
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import uncompressed, unique_names
from cryosegment.exchange.names import IMAGE_SUFFIXES, match_names
from cryosegment.exchange.relion import MICROGRAPH, project_file
from cryosegment.exchange.star import read_star


def find_micrographs(inputs: Iterable[str]) -> List[str]:
    """Files of the micrographs that are named, in order.

    Parameters
    ----------
    inputs
        Each is a file; a folder, of which all images are taken (not those of its subfolders); a
        pattern such as `mics/*.mrc`; or a list: a STAR file of RELION with the column
        `_rlnMicrographName`, or exposures of CryoSPARC (.cs). A micrograph that a list names more
        than once counts once.

    Raises
    ------
    InputError
        If a folder has no images, no file fits a pattern, or a list cannot be read or names
        files that are not there.
    """
    return [file for name in inputs for file in _files(name)]


def files_of(names: Sequence[str], inputs: Iterable[str]) -> Dict[str, str]:
    """Files of micrographs by their names, of those that are among the inputs: at least one.

    Parameters
    ----------
    names
        The micrographs.
    inputs
        As `find_micrographs` takes them.

    Raises
    ------
    InputError
        As `find_micrographs` does, or if two files are of one micrograph, or none of any.
    """
    given = find_micrographs(inputs)
    files = dict(zip(unique_names(given), given))
    found = {name: files[text] for text, name in match_names(files, names).items()}
    if not found:
        raise InputError(
            f"none of the micrographs given, such as {given[0]}, is one of those with picks, such "
            f"as {min(names)}: check their names"
        )
    return found


def _files(name: str) -> List[str]:
    path = Path(name)
    if path.is_dir():
        found = sorted(str(file) for file in path.iterdir() if _is_image(file))
        if not found:
            raise InputError(
                f"expected images ({', '.join(IMAGE_SUFFIXES)}) in the folder {name}, found none"
            )
        return found
    if path.suffix in LISTS:
        return _listed(path, LISTS[path.suffix](path))
    if not path.exists() and glob.has_magic(name):
        found = sorted(glob.glob(name, recursive=True))
        if not found:
            raise InputError(f"expected files that fit the pattern {name}, found none")
        return found
    return [name]


def _is_image(path: Path) -> bool:
    name = uncompressed(path.name.lower())
    return name.endswith(IMAGE_SUFFIXES) and not name.startswith(".")


def _names_in_star(path: Path) -> List[str]:
    columns = [block.read(texts=(MICROGRAPH,))[1] for block in read_star(path).values()]
    names = [name for texts in columns for name in texts.get(MICROGRAPH, [])]
    if not names:
        raise InputError(f"expected the column _{MICROGRAPH} in {path}, not found")
    return names


def _names_in_cs(path: Path) -> List[str]:
    table = read_table(path)
    if EXPOSURE not in table.dtype.names:
        raise InputError(
            f"expected exposures with the field {EXPOSURE} in {path}, not found: give those of a "
            "motion correction or an import of micrographs"
        )
    return [text_of(name) for name in table[EXPOSURE].tolist()]


LISTS = {".star": _names_in_star, ".cs": _names_in_cs}


def _listed(path: Path, names: Iterable[str]) -> List[str]:
    """Files of the names in a list, which start at the folder of a project above the list."""
    files = (project_file(path, name, "micrograph") for name in dict.fromkeys(names))
    return [str(file.absolute()) for file in files]
