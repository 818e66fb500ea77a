# SPDX-License-Identifier: GPL-3.0-or-later
"""Shards: runs that share the micrographs of one output folder, and the folders they work in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, List, Set

from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.files import PathLike

SHARDS = "shards"
"""Folder of the shards in an output folder."""


@dataclass(frozen=True, order=True)
class Shard:
    """One of several runs that share an output folder.

    Parameters
    ----------
    count
        Number of runs.
    number
        Which of them, from 1.
    """

    count: int
    number: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def folder(self, output: PathLike) -> Path:
        """Where it works until it is merged into `output`."""
        return Path(output, SHARDS, f"{self.number}_of_{self.count}")

    def own(self, names: Iterable[str]) -> Set[str]:
        """The micrographs that it picks of all, whatever their order."""
        return set(sorted(names)[self.number - 1 :: self.count])


def parse_shard(text: str) -> Shard:
    """A shard such as 2/4, the second of four.

    Raises
    ------
    ParameterError
        If the text says something else.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ParameterError(f"expected a shard such as 2/4, the second of four, got {text!r}")
    return Shard(int(match[2]), int(match[1]))


def shard_folders(output: PathLike) -> List[Path]:
    """Folders of the shards that an output folder holds; empty where there are none."""
    return sorted(Path(output, SHARDS).glob("*_of_*"))


def find_shards(output: PathLike) -> List[Shard]:
    """The shards of an output folder, all that there must be.

    Raises
    ------
    InputError
        If there are none, one is missing, or there are those of several numbers of runs.
    """
    names = [path.name for path in shard_folders(output)]
    found = sorted(parse_shard(name.replace("_of_", "/")) for name in names)
    if not found:
        raise InputError(
            f"expected shards in {Path(output, SHARDS)}, found none: give the output of "
            "`cryosegment pick --shard`"
        )
    count = found[-1].count
    missing = sorted({Shard(count, i + 1) for i in range(count)} - set(found))
    if missing:
        raise InputError(
            f"expected {count} shards in {output}, but {missing[0]} has not run: run `cryosegment "
            f"pick --shard {missing[0]}`"
        )
    if len(found) > count:
        raise InputError(
            f"{output} holds shards of {found[0].count} runs and of {count}: remove the folders of "
            "those that do not count"
        )
    return found
