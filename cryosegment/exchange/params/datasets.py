# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `fetch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import Params, param


@dataclass(frozen=True)
class FetchParams(Params):
    """Public data sets from their servers."""

    pattern: str = param(
        "*",
        "which files: a path or name where * stands for anything, such as '*.star' or "
        "'data/micrographs/*.mrc'",
        metavar="GLOB",
    )
    list: bool = param(False, "list the files in place of downloading them")
    search: str = param(
        "", "search entries by words, such as ribosome, or '*' for all", metavar="TEXT"
    )
    resolution: Optional[float] = param(
        None, "search: maps at this resolution or better", "Å", minimum=0.5, maximum=100
    )
    coordinates: bool = param(False, "search: only entries with particle coordinates")
    limit: int = param(50, "search: entries at most", minimum=1, maximum=10_000)
    server: str = param(
        "", "a mirror that has all; left out: those of EMPIAR, EMDB and CryoPPP", metavar="URL"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.search and (self.resolution is not None or self.coordinates):
            raise ParameterError(
                "resolution and coordinates choose among the entries of a search: give --search, "
                "with '*' for all"
            )
        if self.search and self.list:
            raise ParameterError("expected a list of files or a search, got both: leave one out")
        if not self.pattern:
            raise ParameterError("expected a pattern of files, got an empty one: '*' is for all")
